import { expect, test } from 'vitest';
import { Admission } from './admission.ts';

const entered = (admission: Admission, client: string, tries: number): number =>
  Array.from({ length: tries }, () => admission.enter(client)).filter(Boolean).length;

test('a client alone has nine tenths of the room, and who comes after it finds some', () => {
  const admission = new Admission(100);
  expect(entered(admission, 'noisy', 1_000)).toBe(90);
  expect(admission.whyFull('noisy')).toBe('90 tasks of this client are in flight here already, its share is 90');
  expect(entered(admission, 'quiet', 5)).toBe(5);
});

test('one noisy client of twenty keeps nobody else out', () => {
  const admission = new Admission(100);
  const quiet = Array.from({ length: 19 }, (_, at) => `quiet-${at}`);
  for (const client of quiet) expect(entered(admission, client, 1)).toBe(1);
  entered(admission, 'noisy', 1_000);
  for (const client of quiet) expect(entered(admission, client, 1)).toBe(1);
});

test('never more are in than there is room for, and who leaves makes room', () => {
  const admission = new Admission(10);
  const clients = Array.from({ length: 30 }, (_, at) => `client-${at}`);
  const inside = clients.filter((client) => admission.enter(client));
  expect(inside).toHaveLength(10);
  expect(admission.whyFull('late')).toBe('10 tasks are in flight here already');
  admission.leave(inside[0]);
  expect(admission.enter('late')).toBe(true);
});

test('room for one is for one', () => {
  const admission = new Admission(1);
  expect(entered(admission, 'one', 2)).toBe(1);
  admission.leave('one');
  expect(admission.enter('other')).toBe(true);
});

test('who is refused is told when a place may be free: after as many have left as were refused before', () => {
  let nowMs = 0;
  const admission = new Admission(10, () => nowMs);
  expect(entered(admission, 'one', 9)).toBe(9);
  // Nothing has left yet: a second each, nine of them at once.
  expect(admission.retryAfterMs('one')).toBe(Math.round(1_000 / 9));
  // Each stays for six seconds, for long enough to be known.
  for (let round = 0; round < 100; round += 1) {
    nowMs += 6_000;
    for (let n = 0; n < 9; n += 1) admission.leave('one');
    entered(admission, 'one', 9);
  }
  const told = Array.from({ length: 12 }, () => admission.retryAfterMs('one'));
  for (const [n, ms] of told.slice(0, 10).entries()) {
    expect(ms).toBeGreaterThan(((n + 1) * 6_000) / 9 / 2);
    expect(ms).toBeLessThan(((n + 1) * 6_000 * 2) / 9);
  }
  // More than fill the room are told the same.
  expect(told[11]).toBe(told[10]);
  // One that left has made up for one that was refused.
  admission.leave('one');
  entered(admission, 'one', 1);
  expect(admission.retryAfterMs('one')).toBeLessThanOrEqual(told[11] as number);
});

test('a pause without any task does not lengthen what is told', () => {
  let nowMs = 0;
  const admission = new Admission(2, () => nowMs);
  for (let round = 0; round < 50; round += 1) {
    admission.enter('one');
    nowMs += 200;
    admission.leave('one');
    nowMs += 3_600_000;
  }
  admission.enter('one');
  expect(admission.retryAfterMs('one')).toBeLessThan(250);
});
