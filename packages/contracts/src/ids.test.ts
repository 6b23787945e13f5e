import { expect, test } from 'vitest';
import { newId } from './ids.ts';

test('ids are 30 characters, never alike, and never look like an option of a command', () => {
  const ids = Array.from({ length: 5_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{8}[A-Za-z0-9_-]{22}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

test('an id tells when it was made, so that those of one time lie side by side in an index', () => {
  const beforeMs = Date.now();
  const madeMs = Number.parseInt(newId().slice(0, 8), 36);
  expect(madeMs).toBeGreaterThanOrEqual(beforeMs);
  expect(madeMs).toBeLessThanOrEqual(Date.now());
});

test('two ids of one instant share nothing but that instant', () => {
  const [one, other] = [newId(), newId()];
  expect(one.slice(8)).not.toBe(other.slice(8));
});
