import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Processes are stopped and go on: what a worker finds when it wakes may be over, and starts no call of a provider.

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const model = (name: string, tags: string): string => modelDocument({ name, endpoint: `${upstream.url}/v1`, tags });
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        model('First', 'text_gen'),
        model('Second', 'text_gen'),
        model('Alone', 'lonely'),
        routeDocument('text_gen', 'First', 'Second'),
        routeDocument('lonely', 'Alone'),
      ),
    },
    counts: { 'provider-worker': 0 },
  });
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});
beforeEach(() => upstream.clear());

const run = (type: string, timeoutMs: number, input = 'Hello'): Promise<string> =>
  system.client.run({ type, input, timeoutMs }).then(
    ({ model }) => model,
    (error: { code: string }) => error.code,
  );

test('a worker that stood still until its tasks were over calls no provider for them', async () => {
  const worker = await system.add('provider-worker', { WILL_WORKER_MODELS: 'alone' });
  await system.untilServed('alone');
  expect(await run('lonely', 10_000)).toBe('alone');
  upstream.clear();
  worker.signal('SIGSTOP');
  const over = await Promise.all(Array.from({ length: 10 }, () => run('lonely', 1_500)));
  expect(new Set(over)).toEqual(new Set(['deadline']));
  worker.signal('SIGCONT');
  // What came before this one was taken, or dropped, before it.
  expect(await run('lonely', 20_000, 'the one after')).toBe('alone');
  expect(upstream.requests).toHaveLength(1);
  expect(JSON.stringify(upstream.requests[0]?.body)).toContain('the one after');
  await worker.stop();
});

test('while one of two workers stands still, every task is answered by the model that its route prefers, with one call each', async () => {
  const both = await Promise.all(
    Array.from({ length: 2 }, () => system.add('provider-worker', { WILL_WORKER_MODELS: 'first,second' })),
  );
  await system.until(
    ({ processes }) =>
      [...processes.values()].filter(({ models }) => models.some(({ model }) => model === 'first')).length === 2,
    'two workers that serve first',
  );
  await run('text_gen', 10_000);
  upstream.clear();
  both[0]?.signal('SIGSTOP');
  const answers = await Promise.all(Array.from({ length: 20 }, () => run('text_gen', 20_000)));
  both[0]?.signal('SIGCONT');
  expect(new Set(answers)).toEqual(new Set(['first']));
  expect(await run('text_gen', 20_000)).toBe('first');
  expect(upstream.requests).toHaveLength(21);
  await Promise.all(both.map((worker) => worker.stop()));
});
