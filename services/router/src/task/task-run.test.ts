import { create } from '@bufbuild/protobuf';
import type { Holder, Loss } from '@will/bus';
import {
  type AnyDocument,
  FirstTokenTimes,
  HedgeBudget,
  type HedgeAfter,
  type Priority,
  type RankedSet,
  timeoutsOf,
  type SessionState,
} from '@will/core';
import { wire } from '@will/contracts';
import { exactClock, factsFor, modelFor, snapshotOf } from '@will/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Decisions } from '../decisions/decisions.ts';
import type { AcceptedTask } from './intake.ts';
import type { CallSignal, Dispatch, RouterRecords } from '../ports.ts';
import { SlotQueues } from './slots.ts';
import { TaskRun } from './task-run.ts';

// One task against workers that the test plays by hand; time is the test's too.

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const facts = factsFor({ client: 'acme' });

interface Sent {
  readonly request: wire.CallRequest;
  readonly dataClass: string;
  /** Plays the worker's, or the server's, word. */
  hear(kind: wire.CallEvent['kind'] | 'nobody'): void;
  lose(loss?: Loss): void;
}

/** Cooldowns that begin so many milliseconds ago or hence, and change when the test says so. */
function cooldownsByHand(inMs: Record<string, number>) {
  const untilMs = new Map(Object.entries(inMs).map(([model, ms]) => [model, Date.now() + ms]));
  const listeners = new Set<(model: string) => void>();
  return {
    untilMs,
    onChange(listener: (model: string) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    change(model: string, ms: number) {
      untilMs.set(model, Date.now() + ms);
      for (const listener of listeners) listener(model);
    },
  };
}

const modelsWith = (contexts: Record<string, number>): AnyDocument[] =>
  Object.entries(contexts).map(([slug, contextTokens]) => ({
    kind: 'model',
    body: { ...modelFor({ name: slug, slug }).document, context_tokens: contextTokens },
  }));

const scalableModels = (slugs: readonly string[]): AnyDocument[] =>
  slugs.map((slug) => ({ kind: 'model', body: { ...modelFor({ name: slug, slug }).document, scalable: true } }));

function budgetFor(hedges: number): HedgeBudget {
  const budget = new HedgeBudget();
  for (let n = 0; n < 20 * hedges; n += 1) budget.called();
  return budget;
}

function world(
  models: readonly string[],
  options: {
    notices?: readonly string[];
    unserved?: Record<string, string>;
    /** Workers of each model. Default: one of its own. */
    servers?: Record<string, string[]>;
    served?: readonly string[];
    laterModels?: readonly string[];
    cooldowns?: Record<string, number>;
    /** How long first contents may take. */
    timeoutMs?: number;
    /** Exploration: all is as if the goal had ordered, and the seed goes elsewhere first. */
    seed?: number;
    /** False: the bus clock is not known yet. */
    isTimed?: boolean;
    ranking?: RankedSet['ranking'];
    /** When the next model is asked besides. */
    hedgeAfter?: HedgeAfter;
    /** How many second calls there may be. Default: one. */
    hedges?: number;
    /** Sizes of contexts; models that are not named tell none. */
    contexts?: Record<string, number>;
    /** How long the task may take. Default: 10 s. */
    maxMs?: number;
    /** Models of which a worker is started on demand. */
    scalable?: readonly string[];
    priority?: Priority;
    /** What is known of the conversation that the task continues. */
    session?: SessionState;
  } = {},
) {
  const sent: Sent[] = [];
  const commands: string[] = [];
  const frames: wire.Frame[] = [];
  const told: string[] = [];
  const calls: wire.CallRecord[] = [];
  const kept: [string, string, number][] = [];
  const losers = new Map<string, (loss: Loss) => void>();
  const records: RouterRecords = {
    decided: () => told.push('decided'),
    intent: ({ attempt, model }) => told.push(`intent ${attempt} ${model}`),
    call: (record) => calls.push(record),
  };
  const set: RankedSet = {
    revision: 1,
    facts,
    dataClass: 'open',
    candidates: models.map((model) => ({ model, why: 'route:primary' as const })),
    exclusions: [],
    notes: [],
    scheduleEdgeMs: undefined,
    validUntilMs: Number.POSITIVE_INFINITY,
    decidedAtMs: 0,
    waitMs: 200,
  };
  const revision = { now: 1 };
  const policy = {
    async decide() {
      const later = options.laterModels ?? models;
      const candidates = (revision.now === 1 ? models : later).map((model) => ({
        model,
        why: 'route:primary' as const,
        ...(options.timeoutMs !== undefined && { firstContent: { slowMs: 300, timeoutMs: options.timeoutMs } }),
      }));
      return {
        setId: `s${revision.now}`,
        set: { ...set, revision: revision.now, candidates, ranking: options.ranking },
      };
    },
  };
  const touch = {
    connection: 1,
    holder: 'nobody' as Holder,
    isInTouch: true,
    boundMs: 0 as number | undefined,
    timed: Promise.withResolvers<boolean>(),
  };
  if (options.isTimed === false) touch.boundMs = undefined;
  const slots = new SlotQueues();
  const times = new FirstTokenTimes();
  const cooldowns = cooldownsByHand(options.cooldowns ?? {});
  const served = new Set(options.served ?? [...models, ...(options.laterModels ?? [])]);
  const deps = {
    routerId: 'router-1',
    decisions: new Decisions(
      policy,
      {
        get current() {
          return snapshotOf(
            [...modelsWith(options.contexts ?? {}), ...scalableModels(options.scalable ?? [])],
            revision.now,
          );
        },
      },
      Date.now,
    ),
    calls: {
      send(dispatch: Dispatch, onSignal: (signal: CallSignal) => void) {
        const { request } = dispatch;
        const workerId = `worker-${sent.length + 1}`;
        let isFollowed = true;
        sent.push({
          request,
          dataClass: dispatch.dataClass,
          hear: (kind) =>
            isFollowed &&
            onSignal(
              kind === 'nobody'
                ? { kind: 'nobody' }
                : {
                    kind: 'event',
                    event: create(wire.CallEventSchema, { attemptId: request.attemptId, workerId, kind }),
                  },
            ),
          lose: (loss: Loss = 'dead') => losers.get(workerId)?.(loss),
        });
        return { close: () => void (isFollowed = false) };
      },
      command: (workerId: string, _attemptId: string, command: wire.CallCommand) =>
        void commands.push(`${wire.CallCommand[command]} ${workerId}`),
      isInTouch: async () => touch.isInTouch,
      get connection() {
        return touch.connection;
      },
      whoHas: async () => touch.holder,
      watch(workerId: string, onLost: (loss: Loss) => void) {
        losers.set(workerId, onLost);
        return () => losers.delete(workerId);
      },
    },
    workers: {
      unserved: () => new Map(Object.entries(options.unserved ?? {})),
      isServed: (model: string) => served.has(model),
      serving: (model: string) =>
        new Set(served.has(model) ? (options.servers?.[model] ?? [`worker-of-${model}`]) : []),
    },
    cooldowns,
    slots,
    records,
    nowMs: Date.now,
    clock: { ...exactClock(), boundMs: () => touch.boundMs, untilBound: () => touch.timed.promise },
    newSeed: () => options.seed ?? 1,
    hedging: { budget: budgetFor(options.hedges ?? 1), times },
    sessions: {
      of: (session: string) => (session === 'acme.s' ? options.session : undefined),
      keep: (session: string, state: SessionState) => void kept.push([session, state.lastModel, state.calls]),
    },
  };

  const task: AcceptedTask = {
    taskId: 'task-1',
    client: 'acme',
    facts: { ...facts, priority: options.priority ?? facts.priority },
    notices: options.notices ?? [],
    ignoredFields: [],
    deadlineUnixMs: Date.now() + (options.maxMs ?? 10_000),
    timeouts: timeoutsOf([], {}),
    hedgeAfter: options.hedgeAfter,
    stream: true,
    maxOutputTokens: 0,
    inputKind: 'chat',
    input: new Uint8Array(3),
    payload: undefined,
    inputTokens: 1,
    costTags: [],
    ...(options.session && { session: 'acme.s' }),
  };
  const run = new TaskRun(deps, task, { inbox: '_INBOX.acme.c.t', send: (frame) => frames.push(frame) });
  const over = run.run();
  return {
    revision,
    run,
    over,
    sent,
    commands,
    frames,
    told,
    calls,
    kept,
    slots,
    served,
    servers: options.servers ?? {},
    cooldowns,
    touch,
    settle: () => vi.advanceTimersByTimeAsync(0),
  };
}

const accepted = (n: number): wire.CallEvent['kind'] => ({
  case: 'accepted',
  value: create(wire.CallAcceptedSchema, { workerId: `worker-${n}` }),
});
const waits: wire.CallEvent['kind'] = { case: 'waits', value: create(wire.CallWaitsSchema, { withinMs: 3_000 }) };
const ended = (model: string, status: string, hadContent: boolean, retryable = true): wire.CallEvent['kind'] => ({
  case: 'ended',
  value: create(wire.CallEndedSchema, {
    attempt: { model, status, outcome: 'Success', attemptId: 'x' },
    hadContent,
    retryable,
  }),
});
const full: wire.CallEvent['kind'] = {
  case: 'busy',
  value: create(wire.CallBusySchema, { reason: 'all slots are taken' }),
};
const expired: wire.CallEvent['kind'] = { case: 'expired', value: create(wire.CallExpiredSchema) };
const confirmStart: wire.CallEvent['kind'] = { case: 'confirmStart', value: create(wire.CallConfirmStartSchema) };
const hasContent: wire.CallEvent['kind'] = { case: 'hasContent', value: create(wire.CallHasContentSchema) };
const readyToCommit: wire.CallEvent['kind'] = { case: 'readyToCommit', value: create(wire.CallReadyToCommitSchema) };
const failureIn = (frames: readonly wire.Frame[]): wire.Failure | undefined =>
  frames.map(({ kind }) => kind).find((kind) => kind.case === 'failure')?.value as wire.Failure | undefined;

test('a task that is answered at once needs no acceptance, and its intent stands before the end', async () => {
  const { over, sent, frames, told, settle } = world(['a']);
  await settle();
  sent[0]?.hear(accepted(1));
  expect(told).toEqual(['decided', 'intent 1 a']);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  await vi.advanceTimersByTimeAsync(100);
  expect(frames).toEqual([]);
});

test.each([
  ['its answer takes a while', accepted(1)],
  ['no worker takes it', undefined],
])('a caller hears within 20 ms that its task is taken where %s', async (_, word) => {
  const { run, sent, frames, settle } = world(['a']);
  await settle();
  if (word) sent[0]?.hear(word);
  await vi.advanceTimersByTimeAsync(19);
  expect(frames).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(frames.map(({ kind }) => kind)).toMatchObject([{ case: 'accepted', value: { routerId: 'router-1' } }]);
  run.cancel();
});

test('a caller that hears of its answer first is told of no acceptance', async () => {
  const { run, sent, frames, settle } = world(['a']);
  await settle();
  sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(100);
  expect(frames).toEqual([]);
  run.cancel();
});

test('what a task names and the router ignores is told at once', async () => {
  const { run, frames } = world(['a'], { notices: ['no reflex'] });
  expect(frames.map(({ kind }) => kind)).toMatchObject([{ case: 'accepted', value: { notices: ['no reflex'] } }]);
  run.cancel();
});

test('a failure before content goes on to the next model, which is told of the first and may speak at once', async () => {
  const { sent, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Overloaded', false));
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'b', attempt: 2, mayCommit: true });
  expect(sent[1]?.request.prior.map(({ model, status }) => [model, status])).toEqual([['a', 'Overloaded']]);
});

test('a task of which nobody stated a timeout is not cut while its answer flows', async () => {
  const { over, sent, frames, commands, settle } = world(['a'], { maxMs: timeoutsOf([], {}).maxMs });
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(75_000);
  expect([failureIn(frames), commands]).toEqual([undefined, []]);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
});

const failedBy = (model: string, cause: string, retryable = true): wire.CallEvent['kind'] => ({
  case: 'ended',
  value: create(wire.CallEndedSchema, {
    attempt: { model, status: 'Invalid', outcome: 'Blocked', attemptId: model, cause, reason: cause },
    hadContent: false,
    retryable,
  }),
});

test.each([
  ['context_length', wire.FailureCode.CONTEXT_LENGTH_EXCEEDED],
  ['content_filter', wire.FailureCode.CONTENT_FILTERED],
  ['bad_request', wire.FailureCode.INVALID_TASK],
] as const)(
  'a task whose every attempt failed by %s ends by its own fault, and is not to be sent again',
  async (cause, code) => {
    const { over, sent, frames, settle } = world(['a', 'b'], { contexts: { a: 8_000, b: 16_000 } });
    for (const model of ['a', 'b']) {
      await settle();
      sent.at(-1)?.hear(accepted(sent.length));
      sent.at(-1)?.hear(failedBy(model, cause));
    }
    await over;
    expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b']);
    expect(failureIn(frames)).toMatchObject({
      code,
      retryable: false,
      message: expect.stringContaining(`a (${cause})`),
    });
  },
);

/** Each model that is called finds the input too long, in order. */
async function overflowEach({ over, sent, settle }: ReturnType<typeof world>, called: readonly string[]) {
  for (const [index, model] of called.entries()) {
    await settle();
    sent[index]?.hear(accepted(index + 1));
    sent[index]?.hear(failedBy(model, 'context_length'));
  }
  await over;
  return sent.map(({ request }) => request.model);
}

test('after an overflow only models whose context is known to be larger are tried; the others tell why not', async () => {
  const contexts = { first: 8_000, smaller: 4_000, equal: 8_000, larger: 32_000, between: 16_000 };
  const run = world(['first', 'smaller', 'equal', 'unknown', 'larger', 'between'], { contexts });
  expect(await overflowEach(run, ['first', 'larger'])).toEqual(['first', 'larger']);
  const failure = failureIn(run.frames);
  expect(failure).toMatchObject({ code: wire.FailureCode.CONTEXT_LENGTH_EXCEEDED, retryable: false });
  expect(failure?.attempts.map(({ model, reason }) => [model, reason])).toEqual([
    ['first', 'context_length'],
    ['smaller', expect.stringContaining('context of 4000 tokens is not larger than 8000')],
    ['equal', expect.stringContaining('context of 8000 tokens is not larger than 8000')],
    ['unknown', expect.stringContaining('its own context is not known')],
    ['larger', 'context_length'],
    ['between', expect.stringContaining('the input overflowed larger')],
  ]);
});

test('where the context that overflowed is not known, those that are known are tried', async () => {
  const run = world(['first', 'unknown', 'known'], { contexts: { known: 32_000 } });
  expect(await overflowEach(run, ['first', 'known'])).toEqual(['first', 'known']);
});

test('a model that cools down is not waited for where it is too small for what overflowed another one', async () => {
  const run = world(['small', 'large'], { contexts: { small: 4_000, large: 8_000 }, cooldowns: { small: 5_000 } });
  expect(await overflowEach(run, ['large'])).toEqual(['large']);
  expect(failureIn(run.frames)).toMatchObject({ code: wire.FailureCode.CONTEXT_LENGTH_EXCEEDED, retryable: false });
});

test('no other model is tried for a value that every model finds invalid', async () => {
  const { over, sent, frames, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(failedBy('a', 'invalid_value', false));
  await over;
  expect(sent).toHaveLength(1);
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.INVALID_TASK, retryable: false });
});

test('one attempt that failed by another’s fault makes it worth another try', async () => {
  const { over, sent, frames, settle } = world(['a', 'b'], { contexts: { a: 8_000, b: 16_000 } });
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(failedBy('a', 'context_length'));
  await settle();
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  await over;
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.ALL_FAILED, retryable: true });
});

test('a call that no limit can ever admit is told to be so', async () => {
  const { over, sent, frames, settle } = world(['a']);
  await settle();
  sent[0]?.hear({
    case: 'refused',
    value: create(wire.CallRefusedSchema, {
      rule: 'limit',
      detail: 'the call may take more than the limit',
      retryable: true,
    }),
  });
  await over;
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.LIMIT_UNREACHABLE, retryable: false });
});

test('a budget that is used up is told with its end, and that sooner is of no use; a limit per minute is not', async () => {
  const untilUnixMs = BigInt(Date.now() + 3_600_000);
  const endBy = async (isBudget: boolean): Promise<wire.Failure | undefined> => {
    const { over, sent, frames, settle } = world(['a', 'b']);
    for (const count of [1, 2]) {
      await settle();
      const reason = 'the limit of $5 per day of client acme is reached';
      sent[count - 1]?.hear({
        case: 'busy',
        value: create(wire.CallBusySchema, { reason, untilUnixMs, isLimit: true, isBudget }),
      });
    }
    await over;
    return failureIn(frames);
  };
  expect(await endBy(true)).toMatchObject({
    code: wire.FailureCode.BUDGET_EXHAUSTED,
    retryable: false,
    retryAfterMs: 3_600_000,
    message: expect.stringMatching(/the limit of \$5 per day of client acme is reached, until 20/),
  });
  expect(await endBy(false)).toMatchObject({ code: wire.FailureCode.OVERLOADED, retryable: true });
});

test('a failure that no other model would mend ends the task', async () => {
  const { over, sent, frames, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Cancelled', false, false));
  await over;
  expect(sent).toHaveLength(1);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.CANCELLED);
});

test('a call that no worker takes is sent to the same model again, with a new window, and the late worker of the first is revoked', async () => {
  const { sent, commands, frames, settle } = world(['a', 'b']);
  await settle();
  expect(Number(sent[0]?.request.startUntilUnixMs) - Date.now()).toBe(500);
  await vi.advanceTimersByTimeAsync(500);
  const [first, second] = sent.map(({ request }) => request);
  expect(second).toMatchObject({ model: 'a', attempt: 2, mayCommit: false, earlierIds: [first?.attemptId], prior: [] });
  expect(Number(second?.startUntilUnixMs) - Date.now()).toBe(500);
  sent[1]?.hear(accepted(2));
  sent[0]?.hear(confirmStart);
  expect(commands).toEqual(['REVOKE worker-1']);
  sent[1]?.hear(readyToCommit);
  await settle();
  expect(frames.map(({ kind }) => kind.case)).toEqual(['accepted', 'counts']);
  expect(commands).toEqual(['REVOKE worker-1', 'COMMIT worker-2']);
});

test('whichever delivery is accepted first is the call; what comes of the others is not wanted', async () => {
  const { over, sent, commands, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'a', 'a']);
  sent[1]?.hear(accepted(2));
  sent[2]?.hear(confirmStart);
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual(['REVOKE worker-3', 'REVOKE worker-1']);
  sent[1]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, failureIn(frames)]).toEqual([3, undefined]);
});

test('a worker that took a call late hears that it may start, and until when; it is then the call’s own worker', async () => {
  const { sent, commands } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(400);
  sent[0]?.hear(confirmStart);
  expect(commands).toEqual(['START worker-1']);
  await vi.advanceTimersByTimeAsync(400);
  sent[0]?.hear(accepted(1));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sent).toHaveLength(1);
});

test('a call that came too late is sent to the same model again at once, and is no attempt of its own', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(300);
  sent[0]?.hear(expired);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent[1]?.request).toMatchObject({ model: 'a', attempt: 1, mayCommit: true, earlierIds: [], prior: [] });
  // Who says so again and again is not asked in a loop without a pause.
  for (let n = 1; n < 20; n += 1) {
    sent.at(-1)?.hear(expired);
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(sent.length).toBeLessThan(10);
});

test('a worker that has an unanswered call may be cut off: its model is tried for two more seconds before another one', async () => {
  const { sent } = world(['a', 'b'], { served: ['b'] });
  await vi.advanceTimersByTimeAsync(500);
  for (let n = 1; n <= 6; n += 1) {
    sent.at(-1)?.hear('nobody');
    await vi.advanceTimersByTimeAsync(250);
  }
  expect(new Set(sent.map(({ request }) => request.model))).toEqual(new Set(['a']));
  // It is back, and says what it has.
  sent[0]?.hear(accepted(1));
  sent.at(-1)?.hear('nobody');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sent.every(({ request }) => request.model === 'a')).toBe(true);
});

test('content of a call whose acceptance was lost shows that its worker has it: it is not sent again', async () => {
  const { over, sent, told, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(400);
  sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([sent.length, told]).toEqual([1, ['decided', 'intent 1 a']]);
  sent[0]?.lose();
  await over;
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.WORKER_LOST);
});

test('a delivery whose content the caller reads is the call, and the other one is revoked', async () => {
  const { over, sent, commands, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(500);
  sent[1]?.hear(accepted(2));
  sent[0]?.hear(hasContent);
  expect(commands).toEqual(['REVOKE worker-2']);
  sent[1]?.hear(ended('a', 'Cancelled', false));
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, failureIn(frames)]).toEqual([2, undefined]);
});

test('a busy answer to the second delivery leaves the first one unanswered: the next model may not mix with it', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(500);
  sent[1]?.hear({ case: 'busy', value: create(wire.CallBusySchema, { reason: 'all slots are taken' }) });
  await vi.advanceTimersByTimeAsync(200);
  expect(sent[2]?.request).toMatchObject({ model: 'b', attempt: 3, mayCommit: false });
});

async function withLateFirstDelivery() {
  const tried = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(500);
  tried.sent[1]?.hear({ case: 'busy', value: create(wire.CallBusySchema, { reason: 'all slots are taken' }) });
  await vi.advanceTimersByTimeAsync(200);
  tried.sent[2]?.hear(accepted(3));
  return tried;
}

test('content of a delivery that nobody had heard of ends the calls that were made since, and the task with its own end', async () => {
  const { over, sent, commands, told, frames } = await withLateFirstDelivery();
  sent[0]?.hear(hasContent);
  expect(commands).toEqual(['CANCEL worker-3']);
  expect(told.at(-1)).toBe('intent 1 a');
  sent[2]?.hear(ended('b', 'Cancelled', false, false));
  await vi.advanceTimersByTimeAsync(6_000);
  expect([sent.length, failureIn(frames)]).toEqual([3, undefined]);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
});

test('a worker that dies within such a late answer ends the task', async () => {
  const { over, sent, frames } = await withLateFirstDelivery();
  sent[0]?.hear(hasContent);
  sent[0]?.lose();
  await over;
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.WORKER_LOST);
});

test('a late answer does not count where another one has content', async () => {
  const { over, sent, commands, frames } = await withLateFirstDelivery();
  sent[2]?.hear(readyToCommit);
  await vi.advanceTimersByTimeAsync(0);
  sent[2]?.hear(hasContent);
  sent[0]?.hear(hasContent);
  sent[2]?.hear(ended('b', 'Success', true));
  await over;
  expect(commands).not.toContain('CANCEL worker-3');
  expect(failureIn(frames)).toBeUndefined();
});

test('silence means nothing while this process or the server stood still', async () => {
  const { sent, touch } = world(['a', 'b']);
  touch.isInTouch = false;
  await vi.advanceTimersByTimeAsync(4_000);
  expect(sent).toHaveLength(1);
  touch.isInTouch = true;
  await vi.advanceTimersByTimeAsync(500);
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'a']);
});

test('a delivery of a connection that was lost is looked for before it is sent again', async () => {
  const { sent, touch, commands, frames, over, settle } = world(['a', 'b']);
  await settle();
  touch.connection = 2;
  touch.holder = 'unknown';
  await vi.advanceTimersByTimeAsync(1_500);
  expect(sent).toHaveLength(1);
  touch.holder = { processId: 'worker-9', id: sent[0]?.request.attemptId ?? '' };
  await vi.advanceTimersByTimeAsync(3_000);
  // It is the call, and nobody else is asked.
  expect(sent).toHaveLength(1);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(commands).toEqual([]);
  expect(failureIn(frames)).toBeUndefined();
});

test('a delivery of a connection that was lost is sent again where no worker has it, and where one stays away', async () => {
  for (const holder of ['nobody', 'unknown'] as const) {
    const { sent, touch, settle } = world(['a', 'b']);
    await settle();
    touch.connection = 2;
    touch.holder = holder;
    await vi.advanceTimersByTimeAsync(holder === 'nobody' ? 600 : 3_500);
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.every(({ request }) => request.model === 'a')).toBe(true);
  }
});

test('a model whose workers stay silent for 5 s gives way to the next, whose answer may not mix with a late one', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(5_001);
  const last = sent.at(-1)?.request;
  expect(last).toMatchObject({ model: 'b', mayCommit: false });
  const numbers = sent.map(({ request }) => request.attempt);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(sent.slice(0, -1).every(({ request }) => request.model === 'a')).toBe(true);
});

test('nothing is sent before the bus clock is known', async () => {
  const { sent, touch, settle } = world(['a'], { isTimed: false });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sent).toHaveLength(0);
  touch.boundMs = 1;
  touch.timed.resolve(true);
  await settle();
  expect(sent).toHaveLength(1);
});

test('a worker that says it waits is waited for, and told when the caller is gone', async () => {
  const { run, sent, commands, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(waits);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(sent).toHaveLength(1);
  run.cancel();
  expect(commands).toEqual(['CANCEL worker-1']);
});

test('a worker that waits for longer than it said is no longer counted on, nor is one that dies while it waits', async () => {
  const { sent, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(waits);
  await vi.advanceTimersByTimeAsync(3_001);
  expect(sent[1]?.request).toMatchObject({ model: 'a', mayCommit: false });
  sent[1]?.hear(waits);
  sent[1]?.lose();
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'a', mayCommit: false });
});

test('the last model left is waited for until the deadline', async () => {
  const { over, sent, frames } = world(['a']);
  await vi.advanceTimersByTimeAsync(10_001);
  await over;
  expect(sent.length).toBeGreaterThan(15);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.DEADLINE);
});

test('a worker lost before content: outcome unknown is recorded, and the next model answers', async () => {
  const { sent, calls, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await settle();
  expect(calls).toMatchObject([{ model: 'a', status: 'Unknown', outcome: 'Timeout', writtenBy: 'router' }]);
  expect(sent[1]?.request.model).toBe('b');
});

test('a worker lost after content ends the task: another model’s text never follows', async () => {
  const { over, sent, frames, calls, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(hasContent);
  sent[0]?.lose();
  await over;
  expect(sent).toHaveLength(1);
  expect(calls).toHaveLength(1);
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.WORKER_LOST, retryable: true });
});

/** One worker serves all models. */
const alone = (): Record<string, string[]> => ({ a: ['worker-1'], b: ['worker-1'] });

test('a worker that is away, and that nobody could replace, is waited for, and its call is not made again', async () => {
  const { over, sent, calls, frames } = world(['a', 'b'], { servers: alone() });
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  for (let times = 0; times < 3; times += 1) {
    sent[0]?.lose();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, calls, failureIn(frames)]).toEqual([1, [], undefined]);
});

test('it is waited for until it is missed, another worker serves a model, or it says that it does not have the call', async () => {
  const missed = world(['a', 'b'], { servers: alone() });
  const replaced = world(['a', 'b'], { servers: alone() });
  const gone = world(['a', 'b'], { servers: alone() });
  await vi.advanceTimersByTimeAsync(0);
  for (const { sent } of [missed, replaced, gone]) sent[0]?.hear(accepted(1));
  missed.sent[0]?.lose();
  missed.served.clear();
  missed.sent[0]?.lose();
  replaced.sent[0]?.lose();
  replaced.servers['b']?.push('worker-2');
  replaced.sent[0]?.lose();
  gone.sent[0]?.lose('gone');
  await vi.advanceTimersByTimeAsync(0);
  for (const { calls } of [missed, replaced, gone]) expect(calls).toMatchObject([{ model: 'a', status: 'Unknown' }]);
  expect(replaced.sent[1]?.request.model).toBe('b');
});

test('a worker that counted as dead and comes back with its call is not revoked, and its answer counts where it is first', async () => {
  const { over, sent, commands, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent[1]?.request).toMatchObject({ model: 'b', mayCommit: false, earlierIds: [sent[0]?.request.attemptId] });
  sent[1]?.hear(accepted(2));
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual([]);
  sent[0]?.hear(hasContent);
  expect(commands).toEqual(['CANCEL worker-2']);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, failureIn(frames)]).toEqual([2, undefined]);
});

test('a worker that comes back after another one has content is revoked', async () => {
  const { sent, commands } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await vi.advanceTimersByTimeAsync(0);
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(hasContent);
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual(['REVOKE worker-1']);
});

test('a call that came back and failed holds up no other one', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(ended('a', 'ProviderError', false));
  await vi.advanceTimersByTimeAsync(500);
  expect(sent[2]?.request).toMatchObject({ model: 'b', earlierIds: [sent[1]?.request.attemptId] });
});

test('when workers are back, models are tried in the order of the route', async () => {
  const { sent, slots } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(200);
  sent[1]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(200);
  slots.free('b', 1);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'a']);
  // Nobody took calls of it since it was full: then the one that is free gets the task.
  sent[2]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(0);
  expect(sent[3]?.request.model).toBe('b');
});

test('full is not failed: the task waits for a slot, and takes it when the worker says so', async () => {
  const { sent, slots, settle } = world(['a']);
  await settle();
  sent[0]?.hear('nobody');
  await settle();
  expect(new Map(slots.waitingByModel()).get('a')).toBe(1);
  slots.free('a', 1);
  await settle();
  expect(sent).toHaveLength(2);
});

test('a full first choice is waited for 200 ms, then the next is tried; when all are full the first to be free gets it', async () => {
  const { sent, slots, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(full);
  await vi.advanceTimersByTimeAsync(201);
  expect(sent[1]?.request.model).toBe('b');
  sent[1]?.hear(full);
  await vi.advanceTimersByTimeAsync(201);
  slots.free('b', 1);
  await settle();
  expect(sent[2]?.request.model).toBe('b');
});

test('everything full until the deadline: overloaded or too late, one record without a model, nobody called', async () => {
  const { over, sent, frames, calls, settle } = world(['a']);
  await settle();
  sent[0]?.hear('nobody');
  await vi.advanceTimersByTimeAsync(10_001);
  await over;
  expect([wire.FailureCode.DEADLINE, wire.FailureCode.OVERLOADED]).toContain(failureIn(frames)?.code);
  expect(calls).toMatchObject([{ model: '' }]);
});

test('models that nobody serves stand among the attempts where their turn was, with the reason', async () => {
  const { sent, settle } = world(['a', 'b', 'c'], { unserved: { a: 'env://KEY is not set', c: 'no file' } });
  await settle();
  expect(sent[0]?.request.model).toBe('b');
  expect(sent[0]?.request.prior.map(({ model, reason }) => [model, reason])).toEqual([['a', 'env://KEY is not set']]);
});

test('a task waits for the worker of a scalable model that is started, and is its demand until then', async () => {
  const { sent, slots, served, settle } = world(['a'], { scalable: ['a'], served: [], maxMs: 600_000 });
  await settle();
  sent[0]?.hear('nobody');
  await settle();
  expect([...slots.waitingByModel()]).toEqual([['a', 1]]);
  await vi.advanceTimersByTimeAsync(120_000);
  slots.poll();
  await settle();
  sent[1]?.hear('nobody');
  await settle();
  expect([...slots.waitingByModel()]).toEqual([['a', 1]]);
  served.add('a');
  slots.poll();
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'a', attempt: 1 });
});

test('no task waits for longer than five minutes for a worker to start, or than its deadline', async () => {
  for (const maxMs of [600_000, 20_000]) {
    const { sent, frames, settle, over } = world(['a'], { scalable: ['a'], served: [], maxMs });
    await settle();
    sent[0]?.hear('nobody');
    await vi.advanceTimersByTimeAsync(Math.min(maxMs, 300_000) - 1_000);
    expect(failureIn(frames)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2_000);
    await over;
    expect([wire.FailureCode.NO_WORKER, wire.FailureCode.DEADLINE]).toContain(failureIn(frames)?.code);
    expect(failureIn(frames)).toMatchObject({ retryable: true });
  }
});

test('while a worker is started another model that may do the task answers it', async () => {
  const { sent, settle } = world(['a', 'b'], { scalable: ['a'], served: ['b'] });
  await settle();
  sent[0]?.hear('nobody');
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'b' });
});

test('a task that can wait is told at once that no worker is there, and so is one of a model that is not scalable', async () => {
  for (const options of [{ scalable: ['a'], priority: 'background' }, {}] as const) {
    const { sent, frames, settle, over } = world(['a'], { ...options, served: [] });
    await settle();
    sent[0]?.hear('nobody');
    await over;
    expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.NO_WORKER });
  }
});

test('no candidate is Blocked, and leaves one record without a model', async () => {
  const { over, frames, calls } = world([]);
  await over;
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.BLOCKED);
  expect(calls).toMatchObject([{ model: '', outcome: 'Blocked', status: 'Policy' }]);
});

test('a deadline before content cancels the worker; after content the worker is given a moment to end by itself', async () => {
  const before = world(['a']);
  await before.settle();
  before.sent[0]?.hear(accepted(1));
  await vi.advanceTimersByTimeAsync(10_001);
  expect(before.commands).toEqual(['CANCEL worker-1']);
  expect(failureIn(before.frames)?.code).toBe(wire.FailureCode.DEADLINE);
  await before.over;
  const after = world(['a']);
  await after.settle();
  after.sent[0]?.hear(accepted(1));
  after.sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(10_001);
  expect(failureIn(after.frames)).toBeUndefined();
  after.sent[0]?.hear(ended('a', 'Deadline', true));
  await after.over;
  expect(failureIn(after.frames)).toBeUndefined();
});

test('a cancel reaches the worker and ends the task once, which is then no longer in flight', async () => {
  const { run, over, sent, commands, frames, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  run.cancel();
  run.cancel();
  expect(commands).toEqual(['CANCEL worker-1']);
  expect(frames.filter(({ kind }) => kind.case === 'failure')).toHaveLength(1);
  await over;
});

test('a worker that had not spoken yet when the task was cancelled is told once it does', async () => {
  const { run, over, sent, commands, settle } = world(['a']);
  await settle();
  run.cancel();
  await over;
  expect(commands).toEqual([]);
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual(['REVOKE worker-1']);
});

test('when the documents change under a task, what a worker then refuses is decided again', async () => {
  const { revision, sent, settle } = world(['a', 'b'], { laterModels: ['b', 'c'] });
  await settle();
  revision.now = 2;
  const refused = create(wire.CallRefusedSchema, { rule: 'old_decision', detail: 'no longer', retryable: true });
  sent[0]?.hear({ case: 'refused', value: refused });
  await settle();
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  await settle();
  // b failed by itself and is not asked again; c is what the new revision names.
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'c']);
  expect(sent[2]?.request.revision).toBe(2n);
});

test('a refusal without any change of the documents is not decided again', async () => {
  const { over, sent, frames, settle } = world(['a']);
  await settle();
  const refused = create(wire.CallRefusedSchema, { rule: 'avoid_cloud', detail: 'API', retryable: true });
  sent[0]?.hear({ case: 'refused', value: refused });
  await over;
  expect(sent).toHaveLength(1);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.ALL_FAILED);
});

test('a model in cooldown is passed over, with the end of its cooldown among the attempts', async () => {
  const { sent, settle } = world(['a', 'b'], { cooldowns: { a: 60_000 } });
  await settle();
  expect(sent.map(({ request }) => request.model)).toEqual(['b']);
  expect(sent[0]?.request.prior[0]?.reason).toMatch(/^cooling down until 20/);
  expect(sent[0]?.request.onlyChoice).toBe(true);
});

test('where everything cools down the task waits for the first end before its deadline', async () => {
  const { sent, slots, settle } = world(['a', 'b'], { cooldowns: { a: 60_000, b: 3_000 } });
  await vi.advanceTimersByTimeAsync(2_990);
  expect(sent).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(20);
  slots.poll();
  await settle();
  expect(sent.map(({ request }) => request.model)).toEqual(['b']);
});

test('a cooldown that is ended early ends the wait', async () => {
  const { sent, slots, cooldowns, settle } = world(['a'], { cooldowns: { a: 8_000 } });
  await settle();
  cooldowns.change('a', 0);
  await settle();
  slots.poll();
  await settle();
  expect(sent).toHaveLength(1);
});

test('where no cooldown ends in time the task fails at once, and says when to retry', async () => {
  const { over, frames, sent } = world(['a', 'b'], { cooldowns: { a: 60_000, b: 30_000 } });
  await over;
  expect(sent).toHaveLength(0);
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.OVERLOADED, retryable: true, retryAfterMs: 30_000 });
  expect(failureIn(frames)?.message).toMatch(/b is cooling down until 20/);
});

test('where one cools down for long and the other one failed or is not served, no caller is told to retry after the long cooldown', async () => {
  const lost = world(['a', 'b'], { cooldowns: { a: 3_600_000 } });
  await lost.settle();
  lost.sent[0]?.hear(accepted(1));
  lost.sent[0]?.lose();
  await lost.over;
  expect(failureIn(lost.frames)).toMatchObject({ code: wire.FailureCode.ALL_FAILED, retryable: true, retryAfterMs: 0 });
  const away = world(['a', 'b'], { cooldowns: { a: 3_600_000 }, unserved: { b: 'no live worker serves it' } });
  await away.over;
  expect(failureIn(away.frames)).toMatchObject({ code: wire.FailureCode.OVERLOADED, retryAfterMs: 1_000 });
});

test('a call that met the provider’s limit is sent again when the model has cooled down', async () => {
  const { sent, slots, cooldowns, settle } = world(['a']);
  await settle();
  sent[0]?.hear(accepted(1));
  cooldowns.change('a', 2_000);
  sent[0]?.hear(ended('a', 'RateLimited', false));
  await vi.advanceTimersByTimeAsync(1_900);
  slots.poll();
  await settle();
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  slots.poll();
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'a', attempt: 2 });
});

test('a silent model gives way while another follows, the last is waited for, and who gave way is asked once more', async () => {
  const { over, sent, frames, settle } = world(['a', 'b'], { timeoutMs: 1_200 });
  await settle();
  expect(sent[0]?.request).toMatchObject({ model: 'a', firstContentTimeoutMs: 1_200, anotherFollows: true });
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Stalled', false));
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'b', firstContentTimeoutMs: 0, anotherFollows: false });
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'a', attempt: 3, firstContentTimeoutMs: 0, mayCommit: true });
  sent[2]?.hear(accepted(3));
  sent[2]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
});

test('a model that is silent though it was waited for is not asked for ever', async () => {
  const { over, sent, frames, settle } = world(['a', 'b'], { timeoutMs: 1_200 });
  for (let n = 0; n < 3; n += 1) {
    await settle();
    sent[n]?.hear(accepted(n + 1));
    sent[n]?.hear(ended(sent[n]?.request.model ?? '', 'Stalled', false));
  }
  await over;
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'a']);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.ALL_FAILED);
});

test('models share the time that is left, whatever they usually take, and the last one has all of it', async () => {
  const { sent, settle } = world(['a', 'b', 'c']);
  for (const [n, [share, isHurried]] of (
    [
      [10_000 / 3, false],
      [10_000 / 2, false],
      [0, false],
    ] as const
  ).entries()) {
    await settle();
    expect(sent[n]?.request).toMatchObject({ firstContentTimeoutMs: Math.floor(share), isHurried });
    sent[n]?.hear(accepted(n + 1));
    sent[n]?.hear(ended(sent[n]?.request.model ?? '', 'Stalled', false));
  }
});

const after = async (ms: number, settle: () => Promise<unknown>): Promise<void> => {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
};

test('a silent model gets a second one beside it, whose content counts; the first is revoked before it may speak', async () => {
  const { over, sent, commands, frames, settle } = world(['a', 'b', 'c'], { hedgeAfter: 300 });
  await settle();
  sent[0]?.hear(accepted(1));
  await after(299, settle);
  expect(sent).toHaveLength(1);
  await after(1, settle);
  expect(sent[1]?.request).toMatchObject({ model: 'b', attempt: 2, mayCommit: false });
  sent[1]?.hear(accepted(2));
  sent[1]?.hear({ case: 'readyToCommit', value: create(wire.CallReadyToCommitSchema) });
  await settle();
  expect(commands).toEqual(['REVOKE worker-1']);
  sent[0]?.hear(ended('a', 'Cancelled', false));
  await settle();
  expect(commands).toEqual(['REVOKE worker-1', 'COMMIT worker-2']);
  sent[1]?.hear({ case: 'hasContent', value: create(wire.CallHasContentSchema) });
  sent[1]?.hear(ended('b', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
  expect(sent).toHaveLength(2);
});

test('where the first model speaks after all, the second call is cancelled', async () => {
  const { over, sent, commands, frames, settle } = world(['a', 'b'], { hedgeAfter: 300 });
  await settle();
  sent[0]?.hear(accepted(1));
  await after(300, settle);
  sent[1]?.hear(accepted(2));
  sent[0]?.hear({ case: 'hasContent', value: create(wire.CallHasContentSchema) });
  await settle();
  expect(commands).toEqual(['CANCEL worker-2']);
  sent[1]?.hear(ended('b', 'Cancelled', false));
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
  expect(sent).toHaveLength(2);
});

test('where both fail the task goes on with the next model, and asks neither again', async () => {
  const { over, sent, frames, settle } = world(['a', 'b', 'c'], { hedgeAfter: 300 });
  await settle();
  sent[0]?.hear(accepted(1));
  await after(300, settle);
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  sent[0]?.hear(ended('a', 'Overloaded', false));
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'c', mayCommit: true });
  sent[2]?.hear(accepted(3));
  sent[2]?.hear(ended('c', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'c']);
});

test.each([
  ['the route does not say so', {}],
  ['too many calls had a second one', { hedgeAfter: 300, hedges: 0 }],
  ['nothing is known of its first tokens', { hedgeAfter: 'p95' }],
  ['the next model cools down', { hedgeAfter: 300, cooldowns: { b: 60_000 } }],
] as const)('there is no second call where %s', async (_why, options) => {
  const { run, sent, settle } = world(['a', 'b'], options);
  await settle();
  sent[0]?.hear(accepted(1));
  await after(5_000, settle);
  expect(sent).toHaveLength(1);
  run.cancel();
});

test('the only model is waited for, whatever is usual', async () => {
  const { sent, settle } = world(['a'], { timeoutMs: 1_200 });
  await settle();
  expect(sent[0]?.request).toMatchObject({ firstContentTimeoutMs: 0, anotherFollows: false });
});

test('a task of a conversation goes on with the model that holds it, and the model that answers holds it from then on', async () => {
  const known = { success: 1, expectedMs: 1, costNanoUsd: 1, quality: 1, utility: 1 };
  const models = ['a', 'b'].map((model) => ({ model, ...known }));
  const ranking = { mode: 'auto', goal: 'balanced', incumbent: 'a', autoChoice: 'a', models } as const;
  const session = { lastModel: 'b', calls: 3, prefixes: [{ model: 'b', tokens: 50_000, usedAtMs: Date.now() }] };
  const { over, sent, kept, settle } = world(['a', 'b'], { ranking, session });
  await settle();
  expect(sent[0]?.request.model).toBe('b');
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('b', 'Success', true));
  await over;
  expect(kept).toEqual([['acme.s', 'b', 4]]);
  const without = world(['a', 'b'], { ranking });
  await without.settle();
  expect(without.sent[0]?.request.model).toBe('a');
  without.sent[0]?.hear(accepted(1));
  without.sent[0]?.hear(ended('a', 'Success', true));
  await without.over;
  expect(without.kept).toEqual([]);
});

test('a task whose seed tries another model first tries that one first', async () => {
  const known = { success: 1, expectedMs: 1, costNanoUsd: 1, quality: 1, utility: 1 };
  const ranking = {
    mode: 'auto',
    goal: 'balanced',
    incumbent: 'a',
    autoChoice: 'a',
    models: [
      { model: 'a', ...known },
      { model: 'b', ...known },
    ],
  } as const;
  const firsts: string[] = [];
  for (let seed = 0; seed < 300; seed += 1) {
    const { run, sent, settle } = world(['a', 'b'], { seed, ranking });
    await settle();
    firsts.push(sent[0]?.request.model ?? '');
    run.cancel();
  }
  const explored = firsts.filter((model) => model === 'b').length;
  expect(explored).toBeGreaterThan(0);
  expect(explored).toBeLessThan(20);
});
