import { expect, test } from 'vitest';
import { measureRecordCost, told } from './record-cost.ts';

test('a record costs its process a few microseconds: made, put into its batch, encoded and sent', async () => {
  const cost = await measureRecordCost(4_000);
  process.stdout.write(`${told(cost)}\n`);
  // The aim is 10 µs on a quiet machine, in a process of its own: `npm run bench:records`.
  expect(cost.wholeUs).toBeLessThan(100);
}, 20_000);
