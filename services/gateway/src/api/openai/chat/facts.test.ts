import { expect, test } from 'vitest';
import { readFacts as readRaw, type StatedFacts } from './facts.ts';

const readFacts = (
  headers: Readonly<Record<string, string>>,
  metadata?: Readonly<Record<string, string>>,
): StatedFacts => readRaw({ rawHeaders: Object.entries(headers).flat() }, metadata);

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
    client: 'AcmeLegal',
    project: 'Merger 7',
    reflex: 'auto_debug_logs',
    priority: 'background',
    dataClass: 'customer',
    taskType: 'code',
    timeoutMs: 2_500,
  });
});

test('metadata says the same for libraries that cannot set headers', () => {
  expect(readFacts({ 'x-will-client': 'B' }, { will_client: 'b', will_project: 'p', note: 'x' })).toEqual({
    client: 'B',
    project: 'p',
  });
});

test('a header and metadata that say two things are rejected, a header that is sent twice, too', () => {
  expect(() => readFacts({ 'x-will-client': 'b' }, { will_client: 'a' })).toThrow(/client is stated twice/);
  expect(() => readFacts({ 'x-will-data-class': 'open' }, { will_data_class: 'customer' })).toThrow(/stated twice/);
  const twice = ['x-will-client', 'acme', 'X-Will-Client', 'globex'];
  expect(() => readRaw({ rawHeaders: twice })).toThrow(/client is stated twice/);
  expect(readRaw({ rawHeaders: ['x-will-client', 'acme', 'X-Will-Client', 'Acme'] })).toEqual({ client: 'acme' });
});

test('high_priority = true means high', () => {
  expect(readFacts({ 'x-will-high-priority': 'true' }).priority).toBe('high');
  expect(() => readFacts({}, { will_high_priority: 'true', will_priority: 'normal' })).toThrow(/contradict each other/);
});

test('each spelling of a header is understood, and what looks like one and is none is rejected', () => {
  expect(readFacts({ 'X-WILL-DATACLASS': 'customer', 'will-project': 'p', x_will_unavailable_model: 'route' })).toEqual(
    {
      client: 'default',
      dataClass: 'customer',
      project: 'p',
      unavailableModel: 'route',
    },
  );
  expect(() => readFacts({ 'x-will-foo': 'a' })).toThrow(/"x-will-foo" must be one of x-will-client/);
  expect(() => readFacts({}, { will_foo: 'open' })).toThrow(/"will_foo" must be one of will_client/);
  expect(() => readFacts({}, { client: 'AcmeLegal' })).toThrow(/send metadata.will_client if it is meant/);
});
