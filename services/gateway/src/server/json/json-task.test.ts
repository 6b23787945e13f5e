import { expect, test } from 'vitest';
import { HttpError } from '../http/errors.ts';
import { type FactsBeside, readJsonQuestion, readJsonTask } from './json-task.ts';

const bytes = (body: object): Buffer => Buffer.from(JSON.stringify(body));
const task = (body: object, beside = {}) => readJsonTask(bytes(body), { client: 'acme', ...beside });
const refusal = (run: () => unknown): HttpError => {
  try {
    run();
  } catch (error) {
    if (error instanceof HttpError) return error;
  }
  throw new Error('was accepted');
};

test('everything that can be said of a task arrives', () => {
  expect(
    task({
      type: 'code',
      input: 'ping',
      task_id: 'mine',
      project: 'p',
      priority: 'high',
      data_class: 'customer',
      model: 'm',
      max_output_tokens: 9,
      timeout_ms: 50,
      needs: ['tools'],
      reflex: null,
    }),
  ).toEqual({
    taskId: 'mine',
    client: 'acme',
    type: 'code',
    input: 'ping',
    project: 'p',
    priority: 'high',
    dataClass: 'customer',
    model: 'm',
    maxOutputTokens: 9,
    timeoutMs: 50,
    needs: ['tools'],
  });
});

test('a chat says itself what a model must be able to do', () => {
  const tools = [{ type: 'function', function: { name: 'now' } }];
  const image = { type: 'image_url', image_url: { url: 'https://example.org/x.png' } };
  const messages = [{ role: 'user', content: [image] }];
  expect(task({ type: 'code', input: { messages, tools } })).toMatchObject({
    needs: ['tools'],
    inputModalities: ['text', 'image'],
  });
});

test('what stands in the body and beside it must be the same', () => {
  const read = (body: object, beside: Partial<FactsBeside>) =>
    readJsonQuestion(bytes({ type: 'code', ...body }), { client: 'acme', ...beside });
  expect(read({}, { dataClass: 'sensitive' }).dataClass).toBe('sensitive');
  expect(read({ data_class: 'customer' }, { dataClass: 'customer' }).dataClass).toBe('customer');
  expect(read({ project: 'Site 7' }, { project: ' SITE 7 ' }).project).toBe('Site 7');
  for (const [body, beside] of [
    [{ data_class: 'open' }, { dataClass: 'customer' }],
    [{ project: 'a' }, { project: 'b' }],
    [{ priority: 'normal' }, { priority: 'high' }],
    [{ high_priority: true }, { priority: 'normal' }],
    [{ unavailable_model: 'error' }, { unavailableModel: 'route' }],
  ] as const)
    expect(refusal(() => read(body, beside))).toMatchObject({ status: 400 });
});

test('high_priority is priority high, and contradicts every other', () => {
  expect(task({ type: 'code', input: 'x', high_priority: true }).priority).toBe('high');
  for (const body of [
    { high_priority: false, priority: 'high' },
    { high_priority: true, priority: 'background' },
  ])
    expect(refusal(() => task({ type: 'code', input: 'x', ...body })).message).toContain('contradict each other');
});

test('a field that stands there twice is refused', () => {
  const twice = Buffer.from('{"type":"code","input":"x","project":"a","project":"b"}');
  expect(refusal(() => readJsonTask(twice, { client: 'acme' })).message).toContain('twice');
});

const messages = [{ role: 'user', content: 'x' }];
test.each([
  [{ type: 'code' }, 'input'],
  [{ input: 'x' }, 'type'],
  [{ type: 'code', input: { text: 'x' } }, 'input'],
  [{ type: 'code', input: { messages: [], model: 'm' } }, 'input.model'],
  [{ type: 'code', input: { messages, metadata: { will_client: 'acme' } } }, 'input.metadata'],
  [{ type: 'code', input: { messages, metadata: { Will_Data_Class: 'sensitive' } } }, 'input.metadata'],
  [{ type: 'code', input: { messages, metadata: { client: 'acme' } } }, 'metadata.client'],
  [{ type: 'code', input: { messages, avoid_cloud: true } }, 'avoid_cloud'],
  [{ type: 'code', input: 'x', task_id: 'a b c d e' }, 'task_id'],
  [{ type: 'code', input: 'x', data_clas: 'open' }, 'data_clas'],
])('%j is refused at %s', (body, param) => {
  expect(refusal(() => task(body))).toMatchObject({ status: 400, param });
});

test('a task type beside the body must be the same', () => {
  expect(refusal(() => task({ type: 'code', input: 'x' }, { taskType: 'summary' })).param).toBe('type');
});
