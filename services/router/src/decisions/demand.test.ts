import { expect, test } from 'vitest';
import { Demand } from './demand.ts';
import { SlotQueues } from '../task/slots.ts';

test('demand is what waits now and what found no worker in the last 15 seconds', async () => {
  const slots = new SlotQueues();
  let nowMs = 1_000_000;
  const demand = new Demand(slots, () => nowMs);
  expect(demand.byModel().size).toBe(0);
  for (let n = 0; n < 3; n += 1) demand.unmet('tiny');
  const left = new AbortController();
  const turn = slots.wait('tiny', { priority: 'normal', client: 'anna', timeoutMs: 60_000, signal: left.signal });
  const other = slots.wait('large', { priority: 'normal', client: 'anna', timeoutMs: 60_000, signal: left.signal });
  expect(Object.fromEntries(demand.byModel())).toEqual({ tiny: 4, large: 1 });

  nowMs += 16_000;
  expect(Object.fromEntries(demand.byModel())).toEqual({ tiny: 1, large: 1 });
  left.abort('over');
  await Promise.all([turn, other]);
  expect(Object.fromEntries(demand.byModel())).toEqual({ tiny: 0 });
});

test('what is remembered of a model that nobody asks about stays small', () => {
  let nowMs = 0;
  const demand = new Demand(new SlotQueues(), () => nowMs);
  for (let n = 0; n < 100_000; n += 1) {
    nowMs += 100;
    demand.unmet('tiny');
  }
  expect(demand.byModel().get('tiny')).toBeLessThanOrEqual(160);
  expect(demand.byModel().get('tiny')).toBeGreaterThanOrEqual(140);
});
