import { expect, test } from 'vitest';
import { sampleSnapshot } from '../../../testing/test-server.ts';
import { chatTask } from './chat-task.ts';
import { readFacts } from './facts.ts';
import { readChat } from './read-chat.ts';

const snapshot = sampleSnapshot();
const task = (fields: Record<string, unknown>, headers: Record<string, string> = {}) =>
  chatTask(
    readChat(Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], ...fields }))),
    readFacts({ rawHeaders: Object.entries(headers).flat() }),
    snapshot,
    { taskId: 'task-1' },
  ).task;

test('a model is pinned by slug, name or alias in any case', () => {
  for (const model of ['gpt-4', 'GPT-4', 'OpenAI:gpt4'])
    expect(task({ model })).toMatchObject({ model: 'gpt-4', type: 'text_gen' });
});

test('a task type and auto leave the choice to the route', () => {
  expect(task({ model: 'code' })).toMatchObject({ type: 'code' });
  expect(task({ model: 'auto' })).toMatchObject({ type: 'text_gen' });
  expect(task({ model: 'code' })).not.toHaveProperty('model');
});

test('a task type that is not answered in text is none for a chat', () => {
  expect(() => task({ model: 'embedding' })).toThrow(
    /"embedding" is neither a model, a task type that is answered in text/,
  );
});

test('a pinned model that does not generate text does what it is tagged with', () => {
  expect(task({ model: 'eyes' })).toMatchObject({ model: 'eyes', type: 'vision' });
});

test('a stated task type wins', () => {
  expect(task({ model: 'gpt-4' }, { 'x-will-task-type': 'code' }).type).toBe('code');
});

test('an unknown model is named, with what looks like it', () => {
  expect(() => task({ model: 'gpt4' })).toThrow(/"gpt4" is neither .*near: gpt-4/);
});

test('tools, a schema and images become needs and modalities', () => {
  const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }];
  const asked = task({
    model: 'auto',
    messages: [{ role: 'user', content }],
    tools: [{ type: 'function', function: { name: 'f' } }],
    response_format: { type: 'json_schema', json_schema: { name: 's' } },
  });
  expect(asked.needs).toEqual(['tools', 'json_schema']);
  expect(asked.inputModalities).toEqual(['text', 'image']);
});

test('the newer of the two output limits counts', () => {
  expect(task({ model: 'auto', max_tokens: 5, max_completion_tokens: 6 }).maxOutputTokens).toBe(6);
});

test('a service tier is a priority where none is stated', () => {
  expect(task({ model: 'auto', service_tier: 'priority' }).priority).toBe('high');
  expect(task({ model: 'auto', service_tier: 'flex' }).priority).toBe('background');
  expect(task({ model: 'auto', service_tier: 'flex' }, { 'x-will-priority': 'normal' }).priority).toBe('normal');
});
