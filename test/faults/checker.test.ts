import { expect, test } from 'vitest';
import { invariants, type Invariant, type Logs, violationsIn } from './checker.ts';

const rules: Logs['rules'] = {
  allowed: (client) => (client === 'discreet' ? ['local'] : ['cloud', 'local']),
  concurrency: { local: 2 },
  daily: { local: 3 },
  callsPerPickup: 2,
  slackMs: 100,
};

/** A run in which everything is as it should be: an immediate task, and a durable one that was submitted twice. */
const clean: Logs = {
  rules,
  tasks: [
    {
      taskId: 'a',
      client: 'one',
      type: 'plain',
      lane: 'run',
      startedMs: 2_000,
      deadlineMs: 3_000,
      acceptedAs: [],
      ends: [{ atMs: 2_150, code: 'Success', output: 'a' }],
    },
    {
      taskId: 'b',
      client: 'discreet',
      type: 'plain',
      lane: 'durable',
      startedMs: 500,
      deadlineMs: 90_000,
      acceptedAs: ['b', 'b'],
      ends: [
        { atMs: 2_300, code: 'Success', output: 'b' },
        { atMs: 2_300, code: 'Success', output: 'b' },
      ],
      toldToOthers: 'task "b" is not known of client one',
      pickups: 1,
    },
  ],
  seen: [
    { taskId: 'a', model: 'cloud', atMs: 2_050, overMs: 2_100 },
    { taskId: 'b', model: 'local', atMs: 2_200, overMs: 2_280 },
  ],
  records: [
    { attemptId: '1', taskId: 'a', client: 'one', model: 'cloud', status: 'Success', startedMs: 2_050 },
    { attemptId: '2', taskId: 'b', client: 'discreet', model: 'local', status: 'Success', startedMs: 2_200 },
  ],
  cooldowns: [{ model: 'local', knownMs: 600, untilMs: 2_000 }],
  used: { local: 1 },
  calmMs: 1_000,
  auditFault: '',
  leaks: [],
};

const withTask = (n: number, more: Partial<Logs['tasks'][number]>): Partial<Logs> => ({
  tasks: clean.tasks.map((task, at) => (at === n ? { ...task, ...more } : task)),
});
const seenToo = (...more: Logs['seen']): Partial<Logs> => ({ seen: [...clean.seen, ...more] });
const local = (taskId: string, atMs: number) => ({ taskId, model: 'local', atMs, overMs: atMs + 50 });
const success = { atMs: 2_300, code: 'Success', output: 'b' };

/** Each a run with one thing wrong; it may break further invariants beside its own. */
const planted: readonly [Invariant, string, Partial<Logs>][] = [
  ['I1', 'two different ends', withTask(1, { ends: [success, { ...success, code: 'failed' }] })],
  ['I2', 'another task’s answer', withTask(0, { ends: [{ atMs: 2_150, code: 'Success', output: 'b' }] })],
  ['I2', 'a result that another client reads', withTask(1, { toldToOthers: 'Success b' })],
  ['I3', 'a forbidden model', seenToo({ taskId: 'b', model: 'cloud', atMs: 2_200, overMs: 2_210 })],
  ['I3', 'a call that nobody asked for', seenToo(local('ghost', 2_400))],
  ['I4', 'a call above the limit', seenToo(local('b', 2_400), local('b', 2_500), local('b', 2_600))],
  ['I4', 'spend that nobody used', { used: { local: 2 } }],
  ['I5', 'a call without a record', seenToo(local('b', 2_400))],
  ['I5', 'an answer recorded that nobody gave', { seen: clean.seen.slice(1) }],
  ['I5', 'one attempt recorded twice', { records: [...clean.records, clean.records[0] as Logs['records'][number]] }],
  ['I6', 'a call of a model in cooldown', seenToo(local('b', 1_500))],
  ['I7', 'one key, two tasks', withTask(1, { acceptedAs: ['b', 'c'] })],
  ['I8', 'a call after the deadline', seenToo({ taskId: 'a', model: 'cloud', atMs: 3_200, overMs: 3_300 })],
  ['I8', 'a reply after the deadline', withTask(0, { ends: [{ atMs: 3_200, code: 'Success', output: 'a' }] })],
  ['I9', 'three calls at once', seenToo(local('b', 2_210), local('b', 2_220))],
  ['I10', 'a secret in a log', { leaks: ['key in router’s log'] }],
  ['I11', 'too many calls for one pickup', seenToo(local('b', 2_400), local('b', 2_500))],
  [
    'I12',
    'a client that waits for the others',
    {
      tasks: [
        ...[1, 2, 3].map((n) => ({ ...(clean.tasks[0] as Logs['tasks'][number]), taskId: `a${n}` })),
        {
          ...(clean.tasks[0] as Logs['tasks'][number]),
          client: 'two',
          ends: [{ atMs: 2_900, code: 'Success', output: 'a' }],
        },
      ],
    },
  ],
  ['I13', 'a broken chain', { auditFault: 'entry 7 does not follow entry 6' }],
  ['I14', 'an accepted task without an end', withTask(1, { ends: [] })],
  ['I14', 'a run that hangs', withTask(0, { ends: [] })],
  ['I14', 'an end that took a minute and more', withTask(1, { ends: [{ ...success, atMs: 62_000 }] })],
];

test('nothing is found where everything is as it should be', () => {
  expect(violationsIn(clean)).toEqual([]);
});

test.each(planted)('%s: %s is found', (invariant, _what, wrong) => {
  expect(violationsIn({ ...clean, ...wrong }).map((found) => found.invariant)).toContain(invariant);
});

test('every invariant has a violation that shows that it is checked', () => {
  expect(new Set(planted.map(([invariant]) => invariant))).toEqual(new Set(Object.keys(invariants)));
});
