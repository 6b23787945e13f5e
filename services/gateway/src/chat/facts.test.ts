import { expect, test } from 'vitest';
import { readFacts } from './facts.ts';

test('who says nothing is the client default', () => {
  expect(readFacts({ 'user-agent': 'x' })).toEqual({ client: 'default' });
});

test('headers say all facts of a task', () => {
  const headers = {
    'x-will-client': 'AcmeLegal',
    'x-will-project': 'Merger 7',
    'x-will-reflex': 'auto_debug_logs',
    'x-will-priority': 'background',
    'x-will-data-class': 'customer',
    'x-will-task-type': 'code',
    'x-will-timeout-ms': '2500',
  };
  expect(readFacts(headers)).toEqual({
    client: 'acmelegal',
    project: 'merger-7',
    reflex: 'auto_debug_logs',
    priority: 'background',
    dataClass: 'customer',
    taskType: 'code',
    timeoutMs: 2_500,
  });
});

test('metadata says the same for libraries that cannot set headers, and a header wins', () => {
  expect(readFacts({ 'x-will-client': 'b' }, { will_client: 'a', will_project: 'p', note: 'x' })).toEqual({
    client: 'b',
    project: 'p',
  });
});

test('of two data classes the stricter one holds, whoever says it', () => {
  expect(readFacts({ 'x-will-data-class': 'open' }, { will_data_class: 'customer' }).dataClass).toBe('customer');
  expect(readFacts({ 'x-will-data-class': 'sensitive' }, { will_data_class: 'customer' }).dataClass).toBe(
    'customer-sensitive',
  );
});

test('high_priority = true means high', () => {
  expect(readFacts({ 'x-will-high-priority': 'true' }).priority).toBe('high');
  expect(readFacts({}, { will_high_priority: 'true', will_priority: 'normal' }).priority).toBe('normal');
});

test.each([
  [{ 'x-will-dataclass': 'sensitive' }, /"x-will-dataclass" must be one of x-will-client/],
  [{ 'x-will-data-class': 'secret' }, /"secret" must be one of open, customer/],
  [{ 'x-will-priority': 'urgent' }, /"urgent" must be one of background, normal, high/],
  [{ 'x-will-client': '***' }, /"\*\*\*" must have a letter or digit/],
  [{ 'x-will-task-type': 'Text Gen' }, /must match/],
  [{ 'x-will-timeout-ms': '1e9' }, /whole milliseconds from 1 to 3600000/],
  [{ 'x-will-timeout-ms': '0' }, /whole milliseconds/],
])('%j is refused', (headers, message) => {
  expect(() => readFacts(headers)).toThrow(message);
});

test('a mistyped fact in metadata is refused, too', () => {
  expect(() => readFacts({}, { will_dataclass: 'open' })).toThrow(/"will_dataclass" must be one of will_client/);
});
