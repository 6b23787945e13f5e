import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { callStatuses, outcomeOf, type CallStatus } from './outcome.ts';

const page = readFileSync(new URL('../../../../docs/reference/outcomes.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \| `(\w+)` \| .+ \|$/gm)].map(
  ([, status, outcome]) => [status as CallStatus, outcome as string] as const,
);

test.each(rows)('status %s is recorded as %s, as the page says', (status, outcome) => {
  expect(outcomeOf(status)).toBe(outcome);
});

test('the page has a row for each status, and all are written in one case style', () => {
  expect(rows.map(([status]) => status).sort()).toEqual([...callStatuses].sort());
  for (const status of callStatuses) expect(status).toMatch(/^([A-Z][a-z]+)+$/);
});
