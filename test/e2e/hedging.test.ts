import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// A route with `hedge_after`: a streamed task whose first model has no content in time is given to the next one besides.

const hedgeAfterMs = 300;
/** One call in twenty may be hedged: so many calls before the first one that may. */
const callsPerHedge = 20;

let upstream: ReplayingUpstream;
let system: System;
beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  const route = `${routeDocument('story', 'slow', 'quick')}\nhedge_after: ${hedgeAfterMs}`;
  const models = ['slow', 'quick'].map((name) => modelDocument({ name, tags: 'story', endpoint }));
  system = await startSystem({ documents: { 'world.yaml': documentFile(openByDefault, ...models, route) } });
  await system.untilServed('slow', 'quick');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

async function stream() {
  let text = '';
  for await (const part of system.client.stream({ type: 'story', input: 'Once', timeoutMs: 20_000 })) {
    if (part.kind === 'delta') text += part.delta.text;
    if (part.kind === 'end') return { ...part.result, text };
  }
  throw new Error('the stream has no end');
}

test('the second model answers, the first gives way, both calls are recorded, and one call in twenty is hedged', async () => {
  for (let n = 0; n < callsPerHedge; n += 1) {
    expect((await stream()).model).toBe('slow');
  }
  upstream.script('slow', { kind: 'silent' });
  const result = await stream();
  expect([result.model, result.text]).toEqual(['quick', 'The quick brown fox jumps over the lazy dog and runs away.']);
  expect(upstream.countOf('quick')).toBe(1);
  expect(await callsOf(system, { taskType: 'story' }, callsPerHedge + 2)).toHaveLength(callsPerHedge + 2);
  const ofTask = await callsOf(system, { taskId: result.taskId }, 2);
  expect(ofTask.map(({ model, status }) => [model, status]).toSorted()).toEqual([
    ['quick', 'Success'],
    ['slow', 'Busy'],
  ]);
  // The budget is used up: the next silent call is waited for.
  upstream.script('slow', { kind: 'answer', text: 'late', delayMs: 4 * hedgeAfterMs });
  expect((await stream()).model).toBe('slow');
  expect(upstream.countOf('quick')).toBe(1);
});
