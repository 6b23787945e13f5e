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
