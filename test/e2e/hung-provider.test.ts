import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// A provider that accepts calls and never answers, in front of one that does.

/** Failures in a row that send a model to cool down. */
const inARow = 3;

let upstream: ReplayingUpstream;
let system: System;
beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  const pair = (type: string): string[] => [
    modelDocument({ name: `hung-${type}`, tags: type, endpoint }),
    modelDocument({ name: `well-${type}`, tags: type, endpoint }),
    routeDocument(type, `hung-${type}`, `well-${type}`),
  ];
  system = await startSystem({
    documents: { 'world.yaml': documentFile(openByDefault, ...pair('plain'), ...pair('hasty'), ...pair('slow')) },
  });
  await system.untilServed('hung-plain', 'well-plain', 'hung-hasty', 'well-hasty', 'hung-slow', 'well-slow');
});
beforeEach(() => {
  for (const type of ['plain', 'hasty', 'slow']) upstream.script(`hung-${type}`, { kind: 'silent' });
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

const callsOf = (model: string): number => upstream.requests.filter((request) => request.model === model).length;
const run = (type: string, timeoutMs: number) => system.client.run({ type, input: 'Hello', timeoutMs });

test('a plain call to a provider that never answers is answered by the fallback within its share, and the circuit opens', async () => {
  const timeoutMs = 4_000;
  for (let n = 0; n < inARow; n += 1) {
    const { model, attempts } = await run('plain', timeoutMs);
    expect(model).toBe('well-plain');
    expect(attempts.map(({ status }) => status)).toEqual(['Stalled', 'Success']);
    expect(attempts[0]?.durationMs).toBeLessThan(timeoutMs);
  }
  // It cools down: nobody asks it any more.
  const { attempts } = await run('plain', timeoutMs);
  expect(attempts.filter(({ attemptId }) => attemptId !== '').map(({ model }) => model)).toEqual(['well-plain']);
  expect(callsOf('hung-plain')).toBe(inARow);
  // What was to be whole was asked for as a stream, so that the silence could be seen.
  expect(upstream.requests.filter(({ model }) => model === 'hung-plain').every(({ stream }) => stream)).toBe(true);
});

test('a caller in a hurry leaves a model sooner, and does not send it to cool down for others', async () => {
  for (let n = 0; n <= inARow; n += 1) {
    const { model, attempts } = await run('hasty', 1_000);
    expect(model).toBe('well-hasty');
    expect(attempts.map(({ status }) => status)).toEqual(['Deadline', 'Success']);
  }
  expect(callsOf('hung-hasty')).toBe(inARow + 1);
});

test('a local model that is slow to begin and well is kept', async () => {
  upstream.script('hung-slow', { kind: 'answer', text: 'late', delayMs: 3_000 });
  const { model, attempts } = await run('slow', 60_000);
  expect([model, attempts.length]).toEqual(['hung-slow', 1]);
});
