import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { peakPerSecond, reasonsIn, startOpenLoad } from '../support/open-load.ts';
import type { ServiceName } from '../support/process.ts';
import { startSystem, type System } from '../support/system.ts';

// Every process is replaced by another one, again and again, at half of what the system can do. `WILL_ROLLING_CALLS` sets
// how many calls.

const calls = Number(process.env['WILL_ROLLING_CALLS'] ?? 1_000);
/** With SQLite there is one of the others: it goes before the next one comes. */
const replicated: readonly ServiceName[] = ['router', 'provider-worker', 'policy'];
const single: readonly ServiceName[] = ['telemetry', 'registry'];
let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream({ keepLog: false });
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Shared', endpoint: `${upstream.url}/v1`, concurrency: 32 }),
        routeDocument('text_gen', 'Shared'),
      ),
    },
    counts: { router: 2, 'provider-worker': 2, policy: 2 },
  });
  await system.untilServed('shared');
});
afterAll(async () => {
  await system?.stop();
  await upstream.close();
});

test('a rolling restart of every service under half the peak load fails no call', async () => {
  const run = (): Promise<unknown> => system.client.run({ type: 'text_gen', input: 'Hello', timeoutMs: 20_000 });
  const perSecond = Math.max(50, (await peakPerSecond(run)) / 2);
  const living = new Map(replicated.map((service) => [service, [...system.of(service)]]));
  const load = startOpenLoad(run, calls, perSecond);
  let restarts = 0;
  while (load.isRunning) {
    for (const service of replicated) {
      living.get(service)?.push(await system.add(service));
      await living.get(service)?.shift()?.stop();
      restarts += 1;
    }
    for (const service of single) {
      await system.of(service).at(-1)?.stop();
      await system.add(service);
      restarts += 1;
    }
  }
  const failures = await load.failures;
  process.stdout.write(
    `${calls} calls at ${perSecond.toFixed(0)}/s, ${restarts} restarts, ${failures.length} failed\n`,
  );
  expect(reasonsIn(failures)).toEqual([]);
});
