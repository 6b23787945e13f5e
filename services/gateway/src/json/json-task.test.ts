import { expect, test } from 'vitest';
import { HttpError } from '../http/errors.ts';
import { readJsonQuestion, readJsonTask } from './json-task.ts';

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
      task_id: 'task-of-mine',
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
    taskId: 'task-of-mine',
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

test('of two data classes the stricter counts, whichever side it stands on', () => {
  const read = (inBody: string | undefined, beside: string | undefined) =>
    readJsonQuestion(bytes({ type: 'code', data_class: inBody ?? null }), {
      client: 'acme',
      ...(beside !== undefined && { dataClass: beside as 'open' }),
    }).dataClass;
  expect([read('open', 'customer'), read('customer', 'open')]).toEqual(['customer', 'customer']);
  expect([read(undefined, 'sensitive'), read('sensitive', undefined)]).toEqual(['sensitive', 'sensitive']);
  expect(read('customer', 'sensitive')).toBe('customer-sensitive');
});

test.each([
  [{ type: 'code' }, 'input'],
  [{ input: 'x' }, 'type'],
  [{ type: 'code', input: { text: 'x' } }, 'input'],
  [{ type: 'code', input: { messages: [], model: 'm' } }, 'input.model'],
  [{ type: 'code', input: 'x', task_id: 'a b c d e' }, 'task_id'],
  [{ type: 'code', input: 'x', data_clas: 'open' }, 'data_clas'],
])('%j is refused at %s', (body, param) => {
  expect(refusal(() => task(body))).toMatchObject({ status: 400, param });
});

test('a task type beside the body must be the same', () => {
  expect(refusal(() => task({ type: 'code', input: 'x' }, { taskType: 'summary' })).param).toBe('type');
});
