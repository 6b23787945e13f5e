import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { type Said, willmAt } from '../support/willm.ts';

// Conversations over real processes: two routers share what they know, and every choice is made again from its record.

let upstream: ReplayingUpstream;
let system: System;
const willm = (...args: string[]): Promise<Said> => willmAt(system.nats.url)(...args);
const prices = 'prices: { input: 3, output: 15, cached_input: 0.3 }';

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        `${modelDocument({ name: 'First', endpoint })}\n${prices}`,
        `${modelDocument({ name: 'Second', endpoint })}\n${prices}`,
        routeDocument('text_gen', 'First', 'Second'),
        'kind: client\nname: Tagged\ncost_tags: { team: [search, ads] }',
      ),
    },
    callers: ['default'],
    counts: { gateway: 1, router: 2, 'provider-worker': 2 },
  });
  await system.untilServed('first', 'second');
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});

/** Events take a moment to be heard and kept. */
const firstTokenTimeout = { interval: 200 };
const prompt = 'The same long beginning. '.repeat(400);

async function ask(session: string, words: string): Promise<{ model: string; taskId: string }> {
  const answer = await fetch(`${system.httpUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'session-id': session },
    body: JSON.stringify({
      model: 'text_gen',
      messages: [
        { role: 'system', content: prompt },
        { role: 'user', content: words },
      ],
    }),
  });
  const { id } = (await answer.json()) as { id: string };
  return { model: answer.headers.get('x-will-model') ?? '', taskId: id.replace('chatcmpl-', '') };
}

test('a conversation that another model took over stays there, with every router, while others begin as declared', async () => {
  upstream.script('first', { kind: 'status', status: 500 }, { kind: 'answer' });
  expect((await ask('one', 'Hello')).model).toBe('second');
  // The other router hears of it a moment later.
  await vi.waitFor(async () => {
    const models = [];
    for (let turn = 0; turn < 6; turn += 1) models.push((await ask('one', `Turn ${turn}`)).model);
    expect(models).toEqual(Array.from({ length: 6 }, () => 'second'));
  }, firstTokenTimeout);
  expect((await ask('two', 'Hello')).model).toBe('first');
});

test('its decision tells in money what it was made of, and is made again to the last bit', async () => {
  const { taskId } = await ask('one', 'Once more');
  await vi.waitFor(async () => {
    const told = await willm('decision', taskId);
    expect(told.out).toContain('session: second did the last call, second is first now');
    expect(told.out).toMatch(/second: its cache should hold \d+ tokens; expected \$0\.\d+/);
  }, firstTokenTimeout);
  const again = await willm('replay', taskId);
  expect(again).toMatchObject({ code: 0 });
  expect(again.out).toContain('identical');
});

test('a conversation with a local model stays with the worker that holds its cache, whichever router has it', async () => {
  const taskIds: string[] = [];
  // The other router hears of the first call a moment later.
  await vi.waitFor(async () => {
    taskIds.length = 0;
    for (let turn = 0; turn < 16; turn += 1) taskIds.push((await ask('kept', `Turn ${turn}`)).taskId);
    const workers = await Promise.all(taskIds.map(workerOf));
    expect(workers[0]).toMatch(/./);
    expect(new Set(workers).size).toBe(1);
  }, firstTokenTimeout);
});

async function workerOf(taskId: string): Promise<string> {
  const { out } = await willm('logs', '--task', taskId, '--json');
  const [call] = JSON.parse(out) as { readonly workerId: string }[];
  return call?.workerId ?? '';
}

test('costs are counted by the tags that a client declares, and any other is rejected with what is allowed', async () => {
  const tagged = (tags: string): Promise<Response> =>
    fetch(`${system.httpUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-will-client': 'Tagged', 'x-will-cost-tags': tags },
      body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: 'Hello' }] }),
    });
  for (const tags of ['team=search', 'team=search', 'team=ads']) expect((await tagged(tags)).status).toBe(200);
  const refused = await tagged('team=legal');
  expect([refused.status, await refused.text()]).toEqual([
    400,
    expect.stringContaining('cost tag team: value \\"legal\\" must be one of search, ads'),
  ]);
  expect((await tagged('env=prod')).status).toBe(400);
  await vi.waitFor(async () => {
    const { out } = await willm('usage', '--tag', 'team', '--client', 'Tagged', '--json');
    const { groups } = JSON.parse(out) as { readonly groups: readonly { readonly costTag: string; calls: unknown }[] };
    expect(groups.map(({ costTag, calls }) => [costTag, Number(calls)]).toSorted()).toEqual([
      ['ads', 1],
      ['search', 2],
    ]);
  }, firstTokenTimeout);
});
