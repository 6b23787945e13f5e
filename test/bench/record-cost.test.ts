import { expect, test } from 'vitest';
import { measureRecordCost, told } from './record-cost.ts';

test('a record costs its process a few microseconds: made, put into its batch, encoded and sent', async () => {
  const cost = await measureRecordCost(4_000);
  process.stdout.write(`${told(cost)}\n`);
  // What adding costs its caller is a small part of all that is done; the aim in figures: `npm run bench:records`.
  expect(cost.addingUs).toBeLessThan(cost.wholeUs);
});
