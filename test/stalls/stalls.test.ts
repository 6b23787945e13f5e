import { afterAll, beforeAll, expect, test } from 'vitest';
import { isClean, StallWorld, type StallRow } from './stall-world.ts';

// A few rows of `npm run stalls`: a process that stands still changes no choice of model, ends no task, costs no call.

let world: StallWorld;
beforeAll(async () => {
  world = await StallWorld.start();
});
afterAll(() => world?.stop());

const rows: readonly Pick<StallRow, 'stalled' | 'stallMs'>[] = [
  { stalled: 'provider-worker', stallMs: 1_000 },
  { stalled: 'router', stallMs: 1_000 },
  { stalled: 'policy', stallMs: 1_000 },
  { stalled: 'nats-server', stallMs: 1_000 },
  { stalled: 'provider-worker', stallMs: 150 },
];

test.each(rows)(
  'while $stalled stands still again and again for $stallMs ms, the preferred model answers every task with one call',
  async ({ stalled, stallMs }) => {
    const result = await world.run({ stalled, stallMs, how: 'periodically', tasks: 20, isStreamed: stallMs > 500 });
    expect(result).toMatchObject({ byPreferred: 20, providerCalls: 20, errors: new Map() });
    expect(isClean(result)).toBe(true);
  },
);
