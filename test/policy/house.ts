import { create } from '@bufbuild/protobuf';
import { dataClassToWire, newId, openRefusals, priorityToWire, wire } from '@will/contracts';
import { compileSnapshot, type AnyDocument, type Model, type ProviderFailure, type Snapshot } from '@will/core';
import type { ModelConnection, Provider, ProviderOutcome } from '@will/providers';
import { Policy, PolicyRefusal } from '../../services/policy/src/service.ts';
import { exactClock } from '@will/testkit';
import { authorizeBy, type Authorizer } from '../../services/provider-worker/src/call/authorize.ts';
import type { Groups, IncomingCall } from '../../services/provider-worker/src/ports.ts';
import { CallIndex } from '../../services/provider-worker/src/call/call-index.ts';
import { Worker } from '../../services/provider-worker/src/service.ts';
import { Decisions } from '../../services/router/src/decisions/decisions.ts';
import { PolicyError, type Calls, type CallSignal } from '../../services/router/src/ports.ts';
import { Router } from '../../services/router/src/service.ts';
import { SlotQueues } from '../../services/router/src/task/slots.ts';
import type { Random } from './random.ts';
import { noPayloads, ShortCooldowns, slowHook, unlimited } from './short-cooldowns.ts';
import type { WorldTask } from './world.ts';

/** Longer than this without a word of the registry: open data only. */
export const staleAfterMs = 15_000;

/** Documents of one revision, compiled. */
export interface Revision {
  readonly documents: readonly AnyDocument[];
  readonly snapshot: Snapshot;
}

export function compileRevision(revision: number, documents: readonly AnyDocument[]): Revision {
  const compiled = compileSnapshot(revision, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems.slice(0, 3)));
  return { documents, snapshot: compiled.snapshot };
}

/** What one process knows of the registry: it moves on by itself, and may have heard nothing for long. */
export class Outlook {
  readonly #revisions: readonly Revision[];
  readonly #random: Random;
  readonly #listeners = new Set<() => void>();
  #at: number;
  silentForMs = 0;

  constructor(revisions: readonly Revision[], random: Random) {
    this.#revisions = revisions;
    this.#random = random;
    // Most know the same, some are behind or ahead.
    this.#at = random.chance(0.8) ? Math.min(1, revisions.length - 1) : random.below(revisions.length);
  }

  get revision(): Revision {
    return this.#revisions[this.#at] as Revision;
  }
  get current(): Snapshot {
    return this.revision.snapshot;
  }
  ageMs(): number {
    return this.silentForMs;
  }
  /** Moves on when somebody waits for it, or not. */
  async untilRevision(revision: number): Promise<boolean> {
    await Promise.resolve();
    if (this.current.revision < revision && this.#random.chance(0.7)) this.moveOn();
    return this.current.revision >= revision;
  }
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  moveOn(): void {
    if (this.#at === this.#revisions.length - 1) return;
    this.#at += 1;
    for (const listener of this.#listeners) listener();
  }
}

/** One call as a provider saw it. */
export interface SeenCall {
  readonly task: WorldTask;
  /** The record that the connection was opened with: this is where the data went. */
  readonly opened: Model;
  readonly worker: Outlook;
  readonly nowMs: number;
}

export interface HouseOptions {
  readonly revisions: readonly Revision[];
  readonly random: Random;
  readonly nowMs: () => number;
  readonly onCall: (call: SeenCall) => void;
  /** In place of the workers' own authorization. */
  readonly authorize?: Authorizer;
  readonly workers?: number;
}

/** Router, policy and workers of the product in one process, on a bus of function calls that loses, delays and repeats. */
export class House {
  readonly outlooks: readonly Outlook[];
  readonly #options: HouseOptions;
  readonly #groups = new Map<string, Set<(call: IncomingCall) => void>>();
  readonly #workers: Worker[] = [];
  readonly #indexes: CallIndex[] = [];
  readonly #tasks = new Map<string, WorldTask>();
  readonly #ends = new Map<string, (end: string) => void>();
  readonly #router: Router;
  readonly #policy: Outlook;
  readonly #slots = new SlotQueues();
  readonly cooldowns: ShortCooldowns;
  readonly #polling: NodeJS.Timeout;

  constructor(options: HouseOptions) {
    this.#options = options;
    this.cooldowns = new ShortCooldowns(options.nowMs);
    const { revisions, random, nowMs } = options;
    const look = (): Outlook => new Outlook(revisions, random);
    this.#policy = look();
    const routers = look();
    this.#polling = setInterval(() => this.#slots.poll(), 10);
    const workers = Array.from({ length: options.workers ?? 2 }, look);
    this.outlooks = [this.#policy, routers, ...workers];
    for (const outlook of workers) this.#addWorker(outlook);
    this.#router = new Router({
      routerId: 'router',
      decisions: new Decisions({ decide: (facts) => this.#decide(facts) }, routers, nowMs),
      calls: this.#calls(),
      workers: { unserved: () => new Map(), isServed: () => false, serving: () => new Set<string>() },
      cooldowns: this.cooldowns,
      slots: this.#slots,
      records: { decided() {}, intent() {}, call() {} },
      nowMs,
      clock: exactClock(nowMs),
      newSeed: () => random.below(2 ** 32),
      snapshot: () => routers.current,
      maxTasks: Infinity,
      refusals: openRefusals,
    });
  }

  async start(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.start(() => {})));
  }

  async stop(): Promise<void> {
    clearInterval(this.#polling);
    await Promise.all(this.#workers.map((worker) => worker.stop(1_000)));
  }

  /** Resolves with the task's end: `end` or the code of its failure. */
  run(task: WorldTask): Promise<string> {
    const taskId = newId();
    this.#tasks.set(taskId, task);
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#ends.set(taskId, resolve);
    const message = create(wire.TaskSchema, {
      taskId,
      type: task.type,
      project: task.project === undefined ? '' : this.#spelled(task.project),
      reflex: task.reflex ?? '',
      priority: priorityToWire(task.priority),
      dataClass: dataClassToWire(task.dataClass),
      model: task.model ?? '',
      maxOutputTokens: task.maxOutputTokens,
      maxOutputIsExact: task.maxOutputIsExact,
      deadlineUnixMs: BigInt(this.#options.nowMs() + 10_000),
      stream: this.#options.random.chance(0.5),
      inputModalities: [...task.inputModalities],
      needs: [...task.needs],
      inputTokens: task.inputTokens,
      inputKind: 'chat',
      input: new TextEncoder().encode(JSON.stringify({ messages: [{ role: 'user', content: taskId }] })),
    });
    this.#router.take(message, task.client, {
      inbox: `_INBOX.${task.client}.c.t`,
      send: (frame) => this.#frame(frame),
    });
    return promise.finally(() => this.#ends.delete(taskId));
  }

  /** A name as some caller or other spells it. */
  #spelled(name: string): string {
    return this.#options.random.pick([name, name, name.toUpperCase(), ` ${name}\u200b`, name.replace('p', '\uff50')]);
  }

  /** Sends a call to the one that is in the group of a class and a model. False: nobody is. */
  deliver(call: IncomingCall): boolean {
    const members = [...(this.#groups.get(`${call.dataClass} ${call.request.model}`) ?? [])];
    if (members.length === 0) return false;
    this.#options.random.pick(members)(call);
    return true;
  }

  /** As {@link run} would, for calls that no router of ours sent. */
  remember(taskId: string, task: WorldTask): void {
    this.#tasks.set(taskId, task);
  }

  #frame({ taskId, kind }: wire.Frame): void {
    if (kind.case === 'end') this.#ends.get(taskId)?.('end');
    if (kind.case === 'failure') this.#ends.get(taskId)?.(wire.FailureCode[kind.value.code] ?? 'unknown');
  }

  async #decide(
    facts: Parameters<Policy['decide']>[0],
  ): ReturnType<ConstructorParameters<typeof Decisions>[0]['decide']> {
    const { nowMs, random } = this.#options;
    await Promise.resolve();
    if (random.chance(0.3) && this.#policy.current.revision < this.#newestKnown()) this.#policy.moveOn();
    // A policy that is away: what is kept may serve open data, and nothing else.
    if (random.chance(0.02)) throw new PolicyError('unavailable', 'away');
    try {
      const set = new Policy({ snapshots: this.#policy, staleAfterMs, nowMs }).decide(facts);
      return { setId: 'set', set };
    } catch (error) {
      if (!(error instanceof PolicyRefusal)) throw error;
      throw new PolicyError(error.isRetryable ? 'unavailable' : 'refused', error.message);
    }
  }

  #newestKnown(): number {
    return Math.max(...this.outlooks.map(({ current }) => current.revision));
  }

  #calls(): Calls {
    const lost = new Map<string, (() => void)[]>();
    const { random } = this.#options;
    return {
      send: ({ request, dataClass }, onSignal) => {
        let isOpen = true;
        const hear = (signal: CallSignal): void => {
          if (isOpen) queueMicrotask(() => isOpen && onSignal(signal));
        };
        const toRouter = (kind: wire.CallEvent['kind']): void => {
          hear({ kind: 'event', event: create(wire.CallEventSchema, { attemptId: request.attemptId, kind }) });
          if (kind.case === 'accepted' && random.chance(0.03))
            setImmediate(() => lost.get(kind.value.workerId)?.pop()?.());
        };
        const call: IncomingCall = {
          request,
          dataClass,
          toRouter,
          endToRouter: (kind) => {
            toRouter(kind);
            return { sayAgain: () => toRouter(kind) };
          },
          toCaller: (frame) => this.#frame(frame),
        };
        const arrive = (): void => {
          if (!this.deliver(call)) hear({ kind: 'nobody' });
        };
        // Some calls are lost, some come late, most come at once.
        const chance = random.next();
        if (chance < 0.01) setTimeout(arrive, 110);
        else if (chance > 0.005 || random.chance(0.5)) queueMicrotask(arrive);
        return { close: () => void (isOpen = false) };
      },
      command: (_workerId, attemptId, command, startUntilUnixMs = 0) => {
        const control = { attemptId, command, startUntilUnixMs: BigInt(Math.floor(startUntilUnixMs)) };
        for (const index of this.#indexes) index.obey(control);
      },
      isInTouch: async () => true,
      connection: 1,
      whoHas: async () => 'nobody',
      watch: (workerId, onLost) => {
        const watching = lost.get(workerId) ?? [];
        lost.set(workerId, watching);
        const lose = (): void => onLost('dead');
        watching.push(lose);
        return () => void watching.splice(watching.indexOf(lose) >>> 0, 1);
      },
    };
  }

  #addWorker(outlook: Outlook): void {
    const { nowMs, authorize } = this.#options;
    const calls = new CallIndex();
    this.#indexes.push(calls);
    const worker = new Worker({
      workerId: `worker${this.#workers.length}`,
      groups: this.#groupsOf(),
      snapshots: outlook,
      authorize: authorize ?? authorizeBy(staleAfterMs),
      records: { call() {} },
      cooldowns: this.cooldowns,
      allowances: unlimited,
      payloads: noPayloads,
      // Every other worker waits between its first feedback and the call: it must authorize again.
      hooks: this.#workers.length % 2 === 1 ? [slowHook] : [],
      nowMs,
      startClock: exactClock(nowMs),
      draw: () => this.#options.random.next(),
      calls,
      providers: new Map([['openai-compatible', this.#provider(outlook)]]),
      selects: () => true,
      scheduleHealthChecks: () => ({ stop() {} }),
      onError: (what, error) => {
        if (!isPlanted(error)) throw new Error(what, { cause: error });
      },
    });
    this.#workers.push(worker);
  }

  #groupsOf(): Groups {
    return {
      join: (model, classes, onCall) => {
        const groups = classes.map((dataClass) => {
          const key = `${dataClass} ${model}`;
          const members = this.#groups.get(key) ?? new Set();
          this.#groups.set(key, members.add(onCall));
          return members;
        });
        return {
          // Leaving takes a while, and calls that are on their way still come.
          leave: async () => {
            await new Promise((resolve) => setImmediate(resolve));
            for (const members of groups) members.delete(onCall);
          },
        };
      },
      announceFree: (model, { toAll, kept }) => this.#slots.free(model, toAll, kept),
    };
  }

  #provider(worker: Outlook): Provider {
    return { name: 'openai-compatible', open: async (model) => this.#connection(worker, model) };
  }

  #connection(worker: Outlook, opened: Model): ModelConnection {
    const { random, nowMs, onCall } = this.#options;
    return {
      naturalConcurrency: undefined,
      checkHealth: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return { healthy: true, detail: '' };
      },
      close: async () => {},
      run: async (call, onDelta): Promise<ProviderOutcome> => {
        const task = this.#taskOf(call.input);
        onCall({ task, opened, worker, nowMs: nowMs() });
        if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
        // Meanwhile the world may go on, so that a fallback happens under other documents.
        if (random.chance(0.1)) random.pick(this.outlooks).moveOn();
        const chance = random.next();
        if (chance < 0.02) throw new Error(plantedBug);
        if (chance < 0.5) return { ok: false, failure: brokenDown, usage: undefined };
        if (call.stream) onDelta({ text: 'word' });
        if (chance < 0.55) return { ok: false, failure: brokenDown, usage: undefined };
        return { ok: true, finish: 'stop', usage: noUsage, output: call.stream ? undefined : { text: 'word' } };
      },
    };
  }

  #taskOf(input: Uint8Array): WorldTask {
    const { messages } = JSON.parse(new TextDecoder().decode(input)) as { messages: { content: string }[] };
    return this.#tasks.get(messages.at(-1)?.content ?? '') as WorldTask;
  }
}

const noUsage = {
  inputTokens: 1,
  outputTokens: 1,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  estimated: true,
};
const brokenDown: ProviderFailure = {
  status: 'Overloaded',
  reason: 'server_error',
  message: 'the provider failed',
  httpStatus: 500,
  isRetryable: true,
  retryAfterMs: undefined,
};

const plantedBug = 'a bug of the provider';
/** Whether an error is told of that was thrown on purpose. */
const isPlanted = (error: unknown): boolean =>
  error instanceof Error && (error.message === plantedBug || isPlanted(error.cause));
