import { expect, test } from 'vitest';
import { CallIndex } from './call-index.ts';
import type { Commanded } from './pending-call.ts';

/** Calls of one client that only say, and note, that they are here. */
function callsOf(client: string) {
  const said: string[] = [];
  const call = (attemptId: string): Commanded => ({
    client,
    taskId: 't',
    attemptId,
    cancel() {},
    revoke() {},
    commit() {},
    start() {},
    sayAgain: () => said.push(`${attemptId} is here`),
  });
  const end = (attemptId: string) => ({ sayAgain: () => said.push(`${attemptId} ended`) });
  return { said, call, end };
}

test('of a call that is here its router is told that, of one that ended how it ended', () => {
  const index = new CallIndex();
  const { said, call, end } = callsOf('acme');
  index.add(call('a'));
  expect([index.sayAgain('a'), index.sayAgain('b')]).toEqual([true, false]);
  index.remove(call('a'));
  index.ended(call('a'), end('a'));
  index.ended(call('c'), undefined);
  expect([index.sayAgain('a'), index.sayAgain('c')]).toEqual([true, true]);
  expect(said).toEqual(['a is here', 'a ended']);
});

test('an end is told to its own client alone', () => {
  const index = new CallIndex();
  const { said, call, end } = callsOf('acme');
  index.ended(call('a'), end('a'));
  expect(index.has({ client: 'other', id: 'a' })).toBe(false);
  expect(said).toEqual([]);
  expect(index.has({ client: 'acme', id: 'a' })).toBe(true);
  expect(said).toEqual(['a ended']);
});

test('the last ten thousand ends are remembered', () => {
  const index = new CallIndex();
  const { call, end } = callsOf('acme');
  for (let n = 0; n <= 10_000; n += 1) index.ended(call(`${n}`), end(`${n}`));
  expect(['0', '1', '10000'].map((id) => index.sayAgain(id))).toEqual([false, true, true]);
});
