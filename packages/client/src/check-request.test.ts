import { type NatsServer, startNatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClient, type TaskClient, TaskError } from './index.ts';

// What a caller without a compiler gets wrong is told before anything is sent: nobody answers here.

let nats: NatsServer;
const clients: TaskClient[] = [];
beforeAll(async () => {
  nats = await startNatsServer();
  clients.push(await connectClient({ servers: nats.url, client: 'acme' }));
  clients.push(await connectClient({ servers: 'grpc://127.0.0.1:1', client: 'acme' }));
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await nats.stop();
});

type Face = 'run' | 'submit' | 'explain';
/** What each face says by each way. */
async function saidBy(faces: readonly Face[], stated: object): Promise<readonly unknown[]> {
  const asked = clients.flatMap((client) => faces.map((face) => (client[face] as (given: object) => unknown)(stated)));
  const told = await Promise.allSettled(asked);
  return told.map((one) => (one.status === 'rejected' ? one.reason : one.value));
}

const question = { type: 'text_gen' };
const task = { ...question, input: 'Hello' };
const chat = 'input must be a string, bytes, or a chat with at least one message in messages';

test.each([
  [
    'a data class that there is none',
    { dataClass: 'secret' },
    'dataClass "secret" must be one of open, customer, sens',
  ],
  [
    'a priority that there is none',
    { priority: 'urgent' },
    'priority "urgent" must be one of background, normal, high',
  ],
  ['a type that is no string', { type: 7 }, 'type 7 must be a string'],
  ['no type', { type: undefined }, 'type is missing'],
  ['a model that is no string', { model: ['a'] }, 'model ["a"] must be a string'],
  ['less than no tokens', { maxOutputTokens: -5 }, 'maxOutputTokens -5 must be a whole number from 0'],
  ['tokens in words', { inputTokens: 'many' }, 'inputTokens "many" must be a whole number from 0'],
  ['a modality that there is none', { inputModalities: ['smell'] }, 'inputModalities ["smell"] must be a list of text'],
  ['needs that are no list', { needs: 'tools' }, 'needs "tools" must be a list of strings'],
  ['a field that there is none', { max_tokens: 5 }, 'unknown field "max_tokens"; allowed: type, client'],
])('%s is refused by every face of the client, with the value and what was allowed', async (_what, change, message) => {
  const told = [
    ...(await saidBy(['run', 'submit'], { ...task, ...change })),
    ...(await saidBy(['explain'], { ...question, ...change })),
  ];
  expect(told).toHaveLength(6);
  for (const error of told) {
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({
      code: 'invalid_task',
      isRetryable: false,
      message: expect.stringContaining(message),
    });
  }
});

test.each([
  ['no input', { input: undefined }, 'input is missing'],
  ['an input of nothing', { input: null }, chat],
  ['a number as input', { input: 7 }, chat],
  ['a chat without messages', { input: { text: 'Hello' } }, chat],
  ['a chat of no message', { input: { messages: [] } }, chat],
  ['a chat whose messages are a string', { input: { messages: 'Hello' } }, chat],
  ['a time of words', { timeoutMs: 'soon' }, 'timeoutMs "soon" must be between 1 and'],
  ['a time that has passed', { timeoutMs: -1 }, 'timeoutMs -1 must be between 1 and'],
  ['a time without end', { timeoutMs: Infinity }, 'must be between 1 and'],
  ['an id that is no string', { taskId: 7 }, 'taskId 7 must be a string'],
])('%s is refused, and the content is not told', async (_what, change, message) => {
  const told = await saidBy(['run', 'submit'], { ...task, ...change });
  expect(told).toHaveLength(4);
  for (const error of told) {
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ code: 'invalid_task', message: expect.stringContaining(message) });
    expect((error as TaskError).message).not.toContain('Hello');
  }
});

test('a client whose name nobody can look up is refused by every face', async () => {
  const [client] = clients as [TaskClient];
  const named = { ...task, client: 'a b*' };
  const asked = await Promise.allSettled([client.run(named), client.submit(named)]);
  for (const one of asked)
    expect(one).toMatchObject({
      reason: { code: 'unavailable', message: expect.stringContaining('"a b*"') as string },
    });
});
