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
import { create, wire } from '@will/contracts';
import { exactClock, factsFor, modelFor, snapshotOf } from '@will/testkit';
import { afterEach, beforeEach, vi } from 'vitest';
import { Decisions } from '../decisions/decisions.ts';
import type { CallSignal, Dispatch, RouterRecords } from '../ports.ts';
import type { AcceptedTask } from '../task/intake.ts';
import { SlotQueues } from '../task/slots.ts';
import { TaskRun } from '../task/task-run.ts';

// One task against workers that the test plays by hand; time is the test's too.

/** Time stands still in every test of the file, unless the test lets it pass. */
export function useTimeByHand(): void {
  beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
  afterEach(() => void vi.useRealTimers());
}

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

interface WorldOptions {
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
}

/** Ranked sets of revision 1, and of a later one with other models. */
function policyOf(models: readonly string[], revision: { readonly now: number }, options: WorldOptions) {
  const set: RankedSet = {
    revision: 1,
    facts,
    dataClass: 'open',
    candidates: [],
    exclusions: [],
    notes: [],
    scheduleEdgeMs: undefined,
    validUntilMs: Number.POSITIVE_INFINITY,
    decidedAtMs: 0,
    waitMs: 200,
  };
  const { laterModels = models, timeoutMs, ranking } = options;
  return {
    async decide() {
      const candidates = (revision.now === 1 ? models : laterModels).map((model) => ({
        model,
        why: 'route:primary' as const,
        ...(timeoutMs !== undefined && { firstContent: { slowMs: 300, timeoutMs } }),
      }));
      return { setId: `s${revision.now}`, set: { ...set, revision: revision.now, candidates, ranking } };
    },
  };
}

function decisionsOf(models: readonly string[], revision: { readonly now: number }, options: WorldOptions): Decisions {
  const documents = [...modelsWith(options.contexts ?? {}), ...scalableModels(options.scalable ?? [])];
  const snapshots = {
    get current() {
      return snapshotOf(documents, revision.now);
    },
  };
  return new Decisions(policyOf(models, revision, options), snapshots, Date.now);
}

/** Calls that reach workers of the test: what was sent, and what routers commanded. */
function callsByHand(touch: { readonly connection: number; readonly holder: Holder; readonly isInTouch: boolean }) {
  const sent: Sent[] = [];
  const commands: string[] = [];
  const losers = new Map<string, (loss: Loss) => void>();
  const calls = {
    send({ request, dataClass }: Dispatch, onSignal: (signal: CallSignal) => void) {
      const workerId = `worker-${sent.length + 1}`;
      const { attemptId } = request;
      const signalOf = (kind: wire.CallEvent['kind'] | 'nobody'): CallSignal =>
        kind === 'nobody'
          ? { kind }
          : { kind: 'event', event: create(wire.CallEventSchema, { attemptId, workerId, kind }) };
      let isFollowed = true;
      sent.push({
        request,
        dataClass,
        hear: (kind) => isFollowed && onSignal(signalOf(kind)),
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
  };
  return { calls, sent, commands };
}

const taskOf = (options: WorldOptions): AcceptedTask => ({
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
});

/** Starts one task whose candidates are these models. */
export function world(models: readonly string[], options: WorldOptions = {}) {
  const frames: wire.Frame[] = [];
  const told: string[] = [];
  const records: wire.CallRecord[] = [];
  const kept: [string, string, number][] = [];
  const toRecords: RouterRecords = {
    decided: () => told.push('decided'),
    intent: ({ attempt, model }) => told.push(`intent ${attempt} ${model}`),
    call: (record) => records.push(record),
  };
  const revision = { now: 1 };
  const touch = {
    connection: 1,
    holder: 'nobody' as Holder,
    isInTouch: true,
    boundMs: options.isTimed === false ? undefined : (0 as number | undefined),
    timed: Promise.withResolvers<boolean>(),
  };
  const { calls, sent, commands } = callsByHand(touch);
  const slots = new SlotQueues();
  const cooldowns = cooldownsByHand(options.cooldowns ?? {});
  const served = new Set(options.served ?? [...models, ...(options.laterModels ?? [])]);
  const deps = {
    routerId: 'router-1',
    decisions: decisionsOf(models, revision, options),
    calls,
    workers: {
      unserved: () => new Map(Object.entries(options.unserved ?? {})),
      isServed: (model: string) => served.has(model),
      serving: (model: string) =>
        new Set(served.has(model) ? (options.servers?.[model] ?? [`worker-of-${model}`]) : []),
    },
    cooldowns,
    slots,
    records: toRecords,
    nowMs: Date.now,
    clock: { ...exactClock(), boundMs: () => touch.boundMs, untilBound: () => touch.timed.promise },
    newSeed: () => options.seed ?? 1,
    hedging: { budget: budgetFor(options.hedges ?? 1), times: new FirstTokenTimes() },
    sessions: {
      of: (session: string) => (session === 'acme.s' ? options.session : undefined),
      keep: (session: string, state: SessionState) => void kept.push([session, state.lastModel, state.calls]),
    },
  };
  const run = new TaskRun(deps, taskOf(options), { inbox: '_INBOX.acme.c.t', send: (frame) => frames.push(frame) });
  const over = run.run();
  const settle = () => vi.advanceTimersByTimeAsync(0);
  return {
    revision,
    run,
    over,
    sent,
    commands,
    frames,
    told,
    calls: records,
    kept,
    slots,
    served,
    servers: options.servers ?? {},
    cooldowns,
    touch,
    settle,
  };
}

export const accepted = (n: number): wire.CallEvent['kind'] => ({
  case: 'accepted',
  value: create(wire.CallAcceptedSchema, { workerId: `worker-${n}` }),
});
export const waits: wire.CallEvent['kind'] = {
  case: 'waits',
  value: create(wire.CallWaitsSchema, { withinMs: 3_000 }),
};
export const ended = (
  model: string,
  status: string,
  hadContent: boolean,
  retryable = true,
): wire.CallEvent['kind'] => ({
  case: 'ended',
  value: create(wire.CallEndedSchema, {
    attempt: { model, status, outcome: 'Success', attemptId: 'x' },
    hadContent,
    retryable,
  }),
});
export const full: wire.CallEvent['kind'] = {
  case: 'busy',
  value: create(wire.CallBusySchema, { reason: 'all slots are taken' }),
};
export const expired: wire.CallEvent['kind'] = { case: 'expired', value: create(wire.CallExpiredSchema) };
export const confirmStart: wire.CallEvent['kind'] = {
  case: 'confirmStart',
  value: create(wire.CallConfirmStartSchema),
};
export const hasContent: wire.CallEvent['kind'] = { case: 'hasContent', value: create(wire.CallHasContentSchema) };
export const readyToCommit: wire.CallEvent['kind'] = {
  case: 'readyToCommit',
  value: create(wire.CallReadyToCommitSchema),
};
export const failureIn = (frames: readonly wire.Frame[]): wire.Failure | undefined =>
  frames.map(({ kind }) => kind).find((kind) => kind.case === 'failure')?.value as wire.Failure | undefined;

export const failedBy = (model: string, cause: string, retryable = true): wire.CallEvent['kind'] => ({
  case: 'ended',
  value: create(wire.CallEndedSchema, {
    attempt: { model, status: 'Invalid', outcome: 'Blocked', attemptId: model, cause, reason: cause },
    hadContent: false,
    retryable,
  }),
});

export const after = async (ms: number, settle: () => Promise<unknown>): Promise<void> => {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
};
