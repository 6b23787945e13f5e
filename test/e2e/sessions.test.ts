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
      ),
    },
    callers: ['default'],
    counts: { gateway: 1, router: 2 },
  });
  await system.untilServed('first', 'second');
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});

/** Events take a moment to be heard and kept. */
const firstTokenTimeout = { timeout: 30_000, interval: 200 };
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
