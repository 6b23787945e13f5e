import { expect, test } from 'vitest';
import { type AuditWords, GatheredRefusals } from './refusals.ts';

const refusal = (actor: string, object: string, detail: string): AuditWords => ({
  actor,
  action: 'request.refused',
  object,
  detail,
});

function gathering() {
  const noted: AuditWords[] = [];
  const clock = { ms: Date.UTC(2026, 0, 1) };
  const refusals = new GatheredRefusals(
    (words) => void noted.push(words),
    3_600_000,
    () => clock.ms,
  );
  return { noted, clock, refusals };
}

test('many of one kind are two notes: the first, and how many more with the first and last instant', () => {
  const { noted, clock, refusals } = gathering();
  const one = refusal('key-1', 'POST /v1/chat/completions', 'role auditor');
  for (let n = 0; n < 10_000; n += 1) {
    refusals.add(one);
    clock.ms += 1;
  }
  expect(noted).toEqual([one]);
  refusals.flush();
  expect(noted.slice(1)).toEqual([
    { ...one, detail: '9999 more, 2026-01-01T00:00:00.001Z to 2026-01-01T00:00:09.999Z: role auditor' },
  ]);
});

test('actor, object and reason each make a kind; what a reason quotes does not', () => {
  const { noted, refusals } = gathering();
  const kinds = [
    refusal('a', 'x', 'no key'),
    refusal('b', 'x', 'no key'),
    refusal('a', 'y', 'no key'),
    refusal('a', 'x', 'several keys'),
    refusal('a', 'x', 'client "one"'),
  ];
  for (const kind of kinds) refusals.add(kind);
  for (let n = 0; n < 1_000; n += 1) refusals.add(refusal('a', 'x', `client "${n}"`));
  expect(noted).toEqual(kinds);
  refusals.flush();
  expect(noted).toHaveLength(kinds.length + 1);
  expect(noted.at(-1)?.detail).toMatch(/^1000 more, .*: client "one"$/);
});

test('after a window the first of a kind is noted anew, and what was not repeated leaves nothing', () => {
  const { noted, refusals } = gathering();
  refusals.add(refusal('a', 'x', 'no key'));
  refusals.flush();
  refusals.add(refusal('a', 'x', 'no key'));
  refusals.flush();
  expect(noted).toEqual([refusal('a', 'x', 'no key'), refusal('a', 'x', 'no key')]);
});

test('kinds without end are cut off, and still counted', () => {
  const { noted, refusals } = gathering();
  for (let n = 0; n < 5_000; n += 1) refusals.add(refusal(`actor-${n}`, 'x', 'no key'));
  refusals.flush();
  expect(noted).toHaveLength(1_001);
  expect(noted.at(-1)).toMatchObject({ actor: 'others' });
  expect(noted.at(-1)?.detail).toMatch(/^4000 more, /);
});
