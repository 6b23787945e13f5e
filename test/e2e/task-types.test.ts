import { readFile } from 'node:fs/promises';
import { connectClient, runFields, type TaskClient } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// A new task type is a document: the guide's own example, applied to a running system and used through its servers.

let upstream: ReplayingUpstream;
let system: System;
let grpc: TaskClient;

const guide = new URL('../../docs/guides/task-types.md', import.meta.url);
const example = async (): Promise<string> =>
  /```yaml\n([\s\S]*?)```/.exec(await readFile(guide, 'utf8'))?.[1] ?? 'none';

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  system = await startSystem({
    callers: ['acme'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Plain', tags: 'triage', callMethod: 'API', endpoint }),
        `${modelDocument({ name: 'Strict', tags: 'triage', callMethod: 'API', endpoint })}\ncapabilities: [json_schema]`,
      ),
    },
    counts: { gateway: 1, tasks: 1 },
  });
  await system.untilServed('plain', 'strict');
  grpc = await connectClient({ servers: `grpc://${system.grpcAddress}`, client: 'acme' });
});
afterAll(async () => {
  await grpc.close();
  await system.stop();
  await upstream.close();
});

const ticket = { subject: 'No light', body: 'Since Monday. {subject}' };

test('before the document is there, its fields mean nothing', async () => {
  await expect(runFields(system.client, { type: 'triage', fields: ticket })).rejects.toMatchObject({
    code: 'invalid_task',
  });
});

test.each(['nats', 'grpc'])('the guide’s document is applied to what runs, and used at once over %s', async (way) => {
  expect((await apply(system, await example())).problems).toEqual([]);
  upstream.script('strict', { kind: 'answer', text: '{"urgency":"high","team":"electrics"}' });
  upstream.clear();
  const client = way === 'grpc' ? grpc : system.client;
  const { value, model } = await runFields(client, { type: 'triage', fields: ticket });
  expect(value).toEqual({ urgency: 'high', team: 'electrics' });
  // Only a model that can be held to the answer's shape is asked.
  expect(model).toBe('strict');
  expect(upstream.requests).toMatchObject([
    {
      body: {
        messages: [
          { role: 'system', content: expect.stringContaining('tickets') },
          { role: 'user', content: expect.stringContaining('Subject: No light\n\nSince Monday. {subject}') },
        ],
        response_format: { type: 'json_schema', json_schema: { name: 'triage' } },
      },
    },
  ]);
});

test('fields that do not fit are refused once, with the field and what was allowed, and no provider is asked', async () => {
  upstream.clear();
  const run = (fields: object) => runFields(system.client, { type: 'triage', fields: { ...fields } });
  await expect(run({ subject: 'x' })).rejects.toMatchObject({
    isRetryable: false,
    message: expect.stringContaining("must have required property 'body'"),
    attempts: [{ status: 'Invalid' }],
  });
  await expect(run({ ...ticket, mood: 'bad' })).rejects.toThrow('"mood"');
  expect(upstream.requests).toEqual([]);
});

test('by HTTP it is a durable task', async () => {
  const made = await fetch(`${system.httpUrl}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'triage', input_kind: 'fields', input: ticket }),
  });
  const { task_id: taskId } = (await made.json()) as { task_id: string };
  const ended = await fetch(`${system.httpUrl}/v1/tasks/${taskId}?wait_ms=10000`);
  expect(await ended.json()).toMatchObject({
    state: 'succeeded',
    result: { output: expect.stringContaining('electrics') },
  });
});

test('willm runs it by its fields, and lists what types there are', async () => {
  const willm = willmAt(system.nats.url);
  const ran = await willm('run', 'triage', JSON.stringify(ticket), '--fields');
  expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('electrics') });
  expect((await willm('get', 'task_types')).out).toMatch(/triage +subject,body +urgency,team/);
});

test('a document whose schema or prompt cannot be meant is refused whole', async () => {
  const type = (...lines: string[]) => ['kind: task_type', 'name: other', ...lines].join('\n');
  const message = async (...lines: string[]) => (await apply(system, type(...lines))).problems[0]?.message;
  expect(await message('fields: { type: object, properties: { a: { type: strange } } }')).toContain('JSON Schema');
  expect(await message('fields: { type: object }', 'prompt: "{a}"')).toContain('{a} must be one of the properties');
});
