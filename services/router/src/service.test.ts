import { create } from '@bufbuild/protobuf';
import { type AnyDocument, compileSnapshot, type Snapshot } from '@will/core';
import { closedRefusals, newId, openRefusals, wire } from '@will/contracts';
import { exactClock } from '@will/testkit';
import { expect, test } from 'vitest';
import { Decisions } from './decisions/decisions.ts';
import { Router } from './service.ts';
import { SlotQueues } from './task/slots.ts';

// A router whose policy never answers: tasks stay in flight.

const clients = ['noisy', 'late', 'newcomer', 'acme', 'other', ...Array.from({ length: 4 }, (_, n) => `quiet-${n}`)];
function world(): Snapshot {
  const compiled = compileSnapshot(1, [
    ...clients.map((slug): AnyDocument => ({ kind: 'client', body: { name: slug, slug } })),
    { kind: 'client', body: { name: 'Müller Recht', slug: 'mueller', aliases: ['mr'] } },
    { kind: 'client', body: { name: 'Strict', slug: 'strict', strict_requests: true } },
    { kind: 'project', body: { name: 'Case 9', slug: 'case-9', client: 'acme' } },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

function router(maxTasks: number, refusals = openRefusals) {
  const snapshot = world();
  const made = new Router({
    routerId: 'r',
    decisions: new Decisions({ decide: () => new Promise(() => {}) }, { current: snapshot }, Date.now),
    calls: {
      send: () => ({ close() {} }),
      command() {},
      isInTouch: async () => true,
      connection: 1,
      whoHas: async () => 'nobody' as const,
      watch: () => () => {},
    },
    workers: { unserved: () => new Map(), isServed: () => true, serving: () => new Set(['w1']) },
    cooldowns: { untilMs: new Map(), onChange: () => () => {} },
    slots: new SlotQueues(),
    records: { decided() {}, intent() {}, call() {} },
    nowMs: Date.now,
    clock: exactClock(),
    newSeed: () => 1,
    snapshot: () => snapshot,
    maxTasks,
    refusals,
  });
  const take = (client: string, taskId = newId(), more: Partial<wire.Task> = {}): wire.Frame['kind'][] => {
    const frames: wire.Frame['kind'][] = [];
    const input = new TextEncoder().encode('{"messages":[{"role":"user","content":"x"}]}');
    const task = Object.assign(create(wire.TaskSchema, { taskId, type: 'text_gen', inputKind: 'chat', input }), more);
    made.take(task, client, { inbox: `_INBOX.${client}.c.t`, send: ({ kind }) => frames.push(kind) });
    return frames;
  };
  return { made, take };
}
const isTaken = (frames: readonly wire.Frame['kind'][]): boolean => frames.length === 0;

test('one client’s overload leaves room for the others, and is told to retry', () => {
  const { take } = router(100);
  const noisy = Array.from({ length: 300 }, () => take('noisy'));
  expect(noisy.filter(isTaken)).toHaveLength(90);
  // Who comes when the overload is there finds room.
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

const refusalOf = (frames: readonly wire.Frame['kind'][]) => {
  const [first] = frames;
  return first?.case === 'failure' ? { code: wire.FailureCode[first.value.code], message: first.value.message } : first;
};

test('a subject of a client that no document has is rejected, also where it is a name or alias of one', () => {
  const { take } = router(100);
  for (const token of ['acmelegall', 'mr', 'm-ller-recht', 'removed'])
    expect(refusalOf(take(token))).toEqual({
      code: 'UNKNOWN_CLIENT',
      message: `no client has the slug, name or alias "${token}"`,
    });
  for (const token of ['mueller', 'default', 'acme']) expect(isTaken(take(token))).toBe(true);
});

test('an unknown project is rejected, one of another client is blocked, and its own is taken by any spelling', () => {
  const { take } = router(100);
  const named = (client: string, project: string) => refusalOf(take(client, newId(), { project }));
  expect(named('acme', 'Case 8')).toMatchObject({ code: 'UNKNOWN_PROJECT' });
  expect(named('other', 'case-9')).toMatchObject({ code: 'BLOCKED' });
  expect(JSON.stringify(named('other', 'case-9'))).not.toContain('acme');
  for (const spelling of ['case-9', 'CASE 9', ' Case\u200b 9 ', 'Ｃａｓｅ ９'])
    expect(isTaken(take('acme', newId(), { project: spelling }))).toBe(true);
});

test('on a bus with users an unknown project and a foreign one get the same answer', () => {
  const { take } = router(100, closedRefusals);
  const [unknown, foreign] = ['nobodys', 'case-9'].map((project) => refusalOf(take('other', newId(), { project })));
  const text = (refusal: unknown, project: string) => JSON.stringify(refusal).replaceAll(project, 'X');
  expect(foreign).toMatchObject({ code: 'FORBIDDEN' });
  expect(text(foreign, 'case-9')).toBe(text(unknown, 'nobodys'));
});

test('an unknown reflex is ignored with a notice, and rejected for a client with strict_requests', () => {
  const { take } = router(100);
  const notice = 'no reflex has the slug, name or alias "nope"; it is ignored';
  expect(take('acme', newId(), { reflex: 'nope' })[0]).toMatchObject({ value: { notices: [notice] } });
  expect(refusalOf(take('strict', newId(), { reflex: 'nope' }))).toMatchObject({ code: 'INVALID_TASK' });
});
