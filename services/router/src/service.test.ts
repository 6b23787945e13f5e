import { create } from '@bufbuild/protobuf';
import type { Snapshot } from '@will/core';
import { newId, wire } from '@will/contracts';
import { exactClock } from '@will/testkit';
import { expect, test } from 'vitest';
import { Decisions } from './decisions.ts';
import { Router } from './service.ts';
import { SlotQueues } from './slots.ts';

// A router whose policy never answers: tasks stay in flight.

function router(maxTasks: number) {
  const [clients, routes, taskTypes] = [new Map(), new Map(), new Map()];
  const snapshot = { revision: 1, tokenEdges: [1_000], clients, routes, taskTypes } as unknown as Snapshot;
  const made = new Router({
    routerId: 'r',
    decisions: new Decisions({ decide: () => new Promise(() => {}) }, { current: snapshot }, Date.now),
    calls: { send: () => ({ close() {} }), command() {}, isInTouch: async () => true, watch: () => () => {} },
    workers: { unserved: () => new Map(), isServed: () => true },
    rests: { untilMs: new Map(), onChange: () => () => {} },
    slots: new SlotQueues(),
    records: { decided() {}, intent() {}, call() {} },
    nowMs: Date.now,
    clock: exactClock(),
    newSeed: () => 1,
    snapshot: () => snapshot,
    maxTasks,
  });
  const take = (client: string, taskId = newId()): wire.Frame['kind'][] => {
    const frames: wire.Frame['kind'][] = [];
    const input = new TextEncoder().encode('{"messages":[{"role":"user","content":"x"}]}');
    const task = create(wire.TaskSchema, { taskId, type: 'text_gen', inputKind: 'chat', input });
    made.take(task, client, { inbox: `_INBOX.${client}.c.t`, send: ({ kind }) => frames.push(kind) });
    return frames;
  };
  return { made, take };
}
const isTaken = (frames: readonly wire.Frame['kind'][]): boolean => frames[0]?.case === 'accepted';

test('one client’s flood leaves room for the others, and is told to come again', () => {
  const { take } = router(100);
  const noisy = Array.from({ length: 300 }, () => take('noisy'));
  expect(noisy.filter(isTaken)).toHaveLength(90);
  // Who comes when the flood is there finds room.
  expect(isTaken(take('late'))).toBe(true);
  const { take: takeFresh } = router(100);
  for (let n = 0; n < 50; n += 1) takeFresh('noisy');
  const quiet = Array.from({ length: 20 }, (_, n) => takeFresh(`quiet-${n % 4}`));
  expect(quiet.every(isTaken)).toBe(true);
  const [refused] = takeFresh('noisy');
  expect(refused).toMatchObject({ case: 'failure', value: { code: wire.FailureCode.OVERLOADED, retryable: true } });
  expect(isTaken(takeFresh('newcomer'))).toBe(true);
});

test('a task that came twice is cancelled in both places, and not by another client that knows its id', async () => {
  const { made, take } = router(10);
  const [first, second] = [take('acme', 'task-12345678'), take('acme', 'task-12345678')];
  expect(made.inFlight).toBe(2);
  made.cancel('other', 'task-12345678');
  expect([made.has('acme', 'task-12345678'), made.has('other', 'task-12345678')]).toEqual([true, false]);
  made.cancel('acme', 'task-12345678');
  const ends = [first, second].map((frames) => frames.at(-1));
  for (const end of ends) expect(end).toMatchObject({ case: 'failure', value: { code: wire.FailureCode.CANCELLED } });
  await made.drain(1_000);
});
