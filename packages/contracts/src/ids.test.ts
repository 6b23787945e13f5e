import { expect, test } from 'vitest';
import { newId } from './ids.ts';

test('ids are 22 characters, never alike, and never look like an option of a command', () => {
  const ids = Array.from({ length: 5_000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  expect(new Set(ids).size).toBe(ids.length);
});
