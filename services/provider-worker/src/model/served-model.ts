import { contained } from '@will/runtime';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type DataClass,
  admitsDataClass,
  amountsOf,
  dataClasses,
  type Facts,
  type Limit,
  limitsOn,
  type Model,
  priceAt,
  reserveOf,
  countsAgainstModel,
  styleOrderOf,
  DegradationSignal,
} from '@will/core';
import { factsFromWire, wire } from '@will/contracts';
import type { Work } from '@will/bus';
import type { CallHook } from '@will/extension';
import type { ModelConnection, ProviderOutcome } from '@will/providers';
import { type Authorizer, outputLimitWithin, type Refusal } from '../call/authorize.ts';
import type { Allowances, Hold, LimitReached } from '../quota/allowances.ts';
import type {
  Contents,
  Groups,
  IncomingCall,
  Membership,
  PayloadSource,
  CallRecords,
  CooldownStore,
  WorkerSnapshots,
  StartClock,
} from '../ports.ts';
import { type Commanded, PendingCall } from '../call/pending-call.ts';
import { ModelCircuit, type Pause, trialRetryMs } from './model-circuit.ts';
import { type SlotClaim, Slots } from './slots.ts';
import { StartWindow } from '../call/start-window.ts';
import { noopObserver, type CallsObserver } from '../call/observer.ts';
import { WholeAsStream } from '../call/whole-as-stream.ts';
import { WorkerCall, type CallDeps } from '../call/worker-call.ts';

export interface ServedDeps {
  readonly workerId: string;
  readonly groups: Groups;
  readonly snapshots: WorkerSnapshots;
  readonly authorize: Authorizer;
  readonly records: CallRecords;
  readonly contents?: Contents;
  readonly cooldowns: CooldownStore;
  readonly allowances: Pick<Allowances, 'take'>;
  readonly payloads: PayloadSource;
  readonly hooks: readonly CallHook[];
  readonly nowMs: () => number;
  readonly startClock: StartClock;
  /** From 0 to 1. */
  readonly draw: () => number;
  readonly calls: CallIndex;
  readonly onError: (what: string, error: unknown) => void;
  readonly observer?: CallsObserver;
}

/** Told how each call of a model ended. */
export type OutcomeListener = (outcome: ProviderOutcome) => void;

/** Slots of a model that sets no concurrency of its own. */
const defaultConcurrency = 64;
/** A moment without a free slot is not worth leaving the group. */
const leaveAfterMs = 5;
/** Words about free slots go out at most this often. */
const announceEveryMs = 5;
const newerSnapshotWithinMs = 100;
/** So many ends are remembered. */
const maxEnded = 10_000;

/** Calls in flight of this process, by task and by attempt, for those who cancel and command. */
export class CallIndex {
  readonly #byAttempt = new Map<string, Commanded>();
  /** Ends that were told, for who did not hear of them. */
  readonly #ended = new Map<string, { readonly client: string; readonly sayAgain: () => void }>();
  /** Their ids, the next one in the place of the oldest: a map that loses its first key each time is slow to find it. */
  readonly #endedIds: string[] = [];
  #nextEnded = 0;

  get size(): number {
    return this.#byAttempt.size;
  }

  add(call: Commanded): void {
    this.#byAttempt.set(call.attemptId, call);
  }

  remove(call: Commanded): void {
    this.#byAttempt.delete(call.attemptId);
  }

  /** A call ended, and its router was told: once more where it asks, since a word may be lost with a connection. */
  ended({ client, attemptId }: Commanded, sayAgain: () => void): void {
    const oldest = this.#endedIds[this.#nextEnded];
    if (oldest !== undefined) this.#ended.delete(oldest);
    this.#endedIds[this.#nextEnded] = attemptId;
    this.#nextEnded = (this.#nextEnded + 1) % maxEnded;
    this.#ended.set(attemptId, { client, sayAgain });
  }

  /** Tells every router what is still under way here. */
  sayAllAgain(): void {
    for (const call of this.#byAttempt.values()) call.sayAgain();
  }

  /** Does what a router commands of a call; of one that is not here nothing. */
  obey({
    attemptId,
    command,
    startUntilUnixMs,
  }: Pick<wire.CallControl, 'attemptId' | 'command' | 'startUntilUnixMs'>): void {
    const call = this.#byAttempt.get(attemptId);
    if (command === wire.CallCommand.COMMIT) call?.commit();
    if (command === wire.CallCommand.REVOKE) call?.revoke();
    if (command === wire.CallCommand.CANCEL) call?.cancel();
    if (command === wire.CallCommand.START) call?.start(Number(startUntilUnixMs));
  }

  /** Whether one of these attempts is here, or was: then its router is told again. */
  sayAgain(attemptIds: readonly string[]): boolean {
    const known = attemptIds.map((id) => this.#byAttempt.get(id) ?? this.#ended.get(id)).find((call) => call);
    known?.sayAgain();
    return known !== undefined;
  }

  ofTask(client: string, taskId: string): Commanded[] {
    return [...this.#byAttempt.values()].filter((call) => call.taskId === taskId && call.client === client);
  }

  /** Whether an attempt, or a task with one, is under way here. Of one that ended the end is told again. */
  has({ client, id }: Work): boolean {
    if (this.#byAttempt.get(id)?.client === client || this.ofTask(client, id).length > 0) return true;
    const ended = this.#ended.get(id);
    if (ended?.client !== client) return false;
    ended.sayAgain();
    return true;
  }
}

/**
 * A model that this process serves. It is in the model's queue group while a slot is free, and answers `busy` for calls
 * that were already on their way: being in the group is the optimisation, `busy` the guarantee.
 */
export class ServedModel {
  readonly slots: Slots;
  model: Model;
  readonly #deps: ServedDeps;
  readonly #connection: ModelConnection;
  readonly #onOutcome: OutcomeListener;
  /** What of the record the connection was made of. */
  readonly #wiring: string;
  readonly circuit: ModelCircuit;
  readonly #degradation = new DegradationSignal();
  readonly #wholeAsStream = new WholeAsStream();
  /** Health allows it; slots and cooldown decide as well. */
  #isWanted = false;
  #membership: Membership | undefined;
  #leaveTimer: NodeJS.Timeout | undefined;
  #announceTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #inFlight = new Set<Promise<void>>();

  constructor(deps: ServedDeps, model: Model, connection: ModelConnection, onOutcome: OutcomeListener = () => {}) {
    this.#deps = deps;
    this.#onOutcome = onOutcome;
    this.model = model;
    this.#connection = connection;
    this.#wiring = wiringOf(model);
    const capacity = Math.min(
      model.concurrency ?? connection.naturalConcurrency ?? defaultConcurrency,
      connection.naturalConcurrency ?? Infinity,
    );
    this.slots = new Slots(
      capacity,
      () => this.#full(),
      () => this.#freeAgain(),
    );
    this.circuit = new ModelCircuit(
      { ...deps, sharers: () => this.#sharers(), onChange: () => this.#circuitChanged() },
      () => this.model,
    );
  }

  get isMember(): boolean {
    return this.#membership !== undefined;
  }

  checkHealth(signal: AbortSignal): ReturnType<ModelConnection['checkHealth']> {
    return this.#connection.checkHealth(signal);
  }

  /** From now on it is in the groups of the data classes that its tags admit, while it has a slot and is not cooling down. */
  join(): void {
    this.#isWanted = true;
    this.#enter();
  }

  /** Until it is told to join again. */
  async leave(): Promise<void> {
    this.#isWanted = false;
    await this.#quit();
  }

  #enter(): void {
    if (this.#membership || this.#isClosed || !this.#isWanted || this.slots.free === 0 || this.circuit.pause()) return;
    const classes = dataClasses.filter((dataClass) => admitsDataClass(this.model, dataClass));
    this.#membership = this.#deps.groups.join(this.model.slug, classes, (call) => void this.#take(call));
  }

  async #quit(): Promise<void> {
    clearTimeout(this.#leaveTimer);
    const membership = this.#membership;
    this.#membership = undefined;
    await membership?.leave();
  }

  #quitSoon(): void {
    this.#quit().catch((error: unknown) => this.#deps.onError(`leaving the group of ${this.model.slug}`, error));
  }

  /** Takes over another version of the record whose connection stays the same. */
  async change(model: Model): Promise<void> {
    await this.#quit();
    this.model = model;
    this.#enter();
  }

  /** Leaves, waits for calls in flight, and closes the connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#announceTimer);
    this.circuit.close();
    await this.leave();
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
    await this.#connection.close();
  }

  async #take(call: IncomingCall): Promise<void> {
    if (call.request.startUntilUnixMs === 0n) return refuse(call, withoutWindow);
    const window = new StartWindow(this.#deps.startClock, call);
    if (window.state === 'over') return window.refuse();
    if (this.#deps.calls.sayAgain([call.request.attemptId, ...call.request.earlierIds])) return;
    // The slot is taken before anything is awaited: two calls can never see the same free one.
    const claim = claimOf(call);
    const taken = this.slots.take(claim);
    if (taken === 'full') return busy(call, 'all slots are taken');
    if (taken === 'kept') return busy(call, 'free slots are kept for other clients', { isReserved: true });
    const work = this.#admit(call, window)
      .catch((error: unknown) => this.#broke(call, error))
      .finally(() => {
        this.#inFlight.delete(work);
        this.slots.give(claim);
      });
    this.#inFlight.add(work);
    await work;
  }

  /** Whatever a call made go wrong fails that call, and another model or worker may do its task. */
  #broke(call: IncomingCall, error: unknown): void {
    this.#deps.onError('a call', error);
    refuse(call, { rule: 'failed', detail: 'the worker failed at it; its log says how', isRetryable: true });
  }

  async #admit(call: IncomingCall, window: StartWindow): Promise<void> {
    const trial = this.circuit.isUnproven && !this.circuit.pause() ? await this.circuit.requestTrial() : undefined;
    if (trial !== undefined && trial !== 'trial') return pausing(call, trial);
    const degraded = call.request.anotherFollows && trial === undefined ? this.#degraded() : undefined;
    if (degraded) return pausing(call, degraded);
    await this.#serve(call, window, trial === 'trial').finally(() => {
      if (trial === 'trial') this.circuit.releaseTrial();
    });
  }

  /** A model that falls silent or begins to fail is spared, where another one may do the task. */
  #degraded(): Pause | undefined {
    const nowMs = this.#deps.nowMs();
    const reason = this.#degradation.reason(nowMs);
    return reason === undefined ? undefined : { reason, untilMs: nowMs + trialRetryMs };
  }

  async #serve(call: IncomingCall, window: StartWindow, isTrial: boolean): Promise<void> {
    const { room, maxOutputTokens, isTakenBack, mayStart } = await this.#makeRoom(call, window);
    if ('untilMs' in room) return reached(call, room);
    if (isTakenBack || !mayStart) {
      room.release();
      return isTakenBack ? busy(call, 'it was taken back') : window.refuse();
    }
    await this.#authorizeAndCall(call, window, isTrial, { maxOutputTokens, hold: room }).finally(() => room.release());
  }

  /** Waits for what the call needs, and may be told meanwhile that it is not wanted any more. Asks where that is in doubt. */
  async #makeRoom(
    call: IncomingCall,
    window: StartWindow,
  ): Promise<Omit<Reserved, 'hold'> & { room: Room; isTakenBack: boolean; mayStart: boolean }> {
    const pending = new PendingCall(call, window);
    this.#deps.calls.add(pending);
    try {
      await this.#untilAsNewAs(Number(call.request.revision));
      const { maxOutputTokens, room } = this.#reserve(call);
      const taken = await room;
      const mayStart = window.state === 'open' || 'untilMs' in taken || (await window.opens());
      return { maxOutputTokens, room: taken, isTakenBack: pending.isTakenBack, mayStart };
    } finally {
      pending.close();
      this.#deps.calls.remove(pending);
    }
  }

  /** Takes the most that the call can come to from every limit it counts against. */
  #reserve({ request }: IncomingCall): Omit<Reserved, 'hold'> & { room: ReturnType<Allowances['take']> } {
    const { snapshots, nowMs, allowances } = this.#deps;
    const { facts, inputTokens, maxOutputTokens: wanted } = request;
    const limits = this.#limitsOf(facts?.client ?? '', facts?.project || undefined);
    const maxOutputTokens = outputLimitWithin(limits, this.model, wanted, inputTokens);
    if (limits.length === 0) return { maxOutputTokens, room: allowances.take([], none) };
    const model = snapshots.current?.models.get(this.model.slug) ?? this.model;
    const reserve = reserveOf(inputTokens, maxOutputTokens ?? 0, priceAt(model, nowMs()), facts);
    return { maxOutputTokens, room: allowances.take(limits, reserve) };
  }

  #limitsOf(client: string, project: string | undefined): readonly Limit[] {
    const snapshot = this.#deps.snapshots.current;
    const model = snapshot?.models.get(this.model.slug);
    return snapshot && model ? limitsOn(snapshot, model, client, project) : [];
  }

  async #authorizeAndCall(
    call: IncomingCall,
    window: StartWindow,
    isTrial: boolean,
    { hold, maxOutputTokens }: Reserved,
  ): Promise<void> {
    // What was authorized may change while content is fetched or hooks are asked: then it is authorized again.
    const facts = call.request.facts && factsFromWire(call.request.facts);
    const refusal = this.#authorize(call, facts);
    if (refusal) return refuse(call, refusal);
    // The record that was authorized may state another address than the one this connection goes to.
    if (!this.#isWiredAsAuthorized()) return busy(call, 'its connection is being renewed');
    const pause = this.circuit.pause();
    if (pause) return pausing(call, pause);
    const { workerId, nowMs, records, calls, snapshots, payloads, hooks } = this.#deps;
    const snapshot = snapshots.current;
    const style = snapshot && facts && styleOrderOf(snapshot, facts, this.model);
    const startedMs = nowMs();
    const { attemptId, firstContentTimeoutMs } = call.request;
    let wasHeard = false;
    const observer = (this.#deps.observer ?? noopObserver)(this.model, call.request);
    const record = (made: wire.CallRecord): void => {
      records.call(made);
      observer.ended(made);
    };
    const work = new WorkerCall(
      {
        style,
        window,
        workerId,
        nowMs,
        payloads,
        hooks,
        facts,
        authorizeAgain: (dataClass) => this.#authorizeAgain(call, dataClass),
        onError: this.#deps.onError,
        taskType: facts && snapshot?.taskTypes.get(facts.taskType),
        record,
        keepContent: this.#contentKeeper(call, snapshot?.clients.get(facts?.client ?? '')?.keep_content_hours),
        maxOutputTokens,
        model: this.model,
        connection: this.#connection,
        wholeAsStream: this.#wholeAsStream,
        onFirstContent: () => {
          wasHeard = true;
          this.#degradation.heard(attemptId, nowMs());
          this.circuit.heard(startedMs);
        },
        onOutcome: (outcome) => {
          if (outcome.ok && !wasHeard) this.#degradation.heard(attemptId, nowMs());
          else this.#degradation.ended(attemptId, !outcome.ok && countsAgainstModel(outcome.failure));
          hold.settle(amountsOf(outcome.usage, priceAt(this.model, startedMs)));
          this.#onOutcome(outcome);
          this.circuit.learn(outcome, {
            isTrial,
            isOnlyChoice: call.request.onlyChoice,
            startedAtMs: startedMs,
            wasHeard,
          });
        },
      },
      call,
    );
    calls.add(work);
    this.#degradation.sent(attemptId, startedMs, this.#showsSilence(call) ? firstContentTimeoutMs : 0);
    await observer
      .run(() => work.run())
      .finally(() => {
        calls.remove(work);
        calls.ended(work, work.sayEndAgain());
      });
  }

  /** Whether its first content comes before its end. */
  #showsSilence({ request: { stream, inputKind, input } }: IncomingCall): boolean {
    return stream || this.#wholeAsStream.showsSilence(this.model, { inputKind, input });
  }

  #contentKeeper({ request }: IncomingCall, hours: number | undefined): CallDeps['keepContent'] {
    const { contents, nowMs } = this.#deps;
    if (hours === undefined) return undefined;
    const { attemptId, taskId, inputKind, facts } = request;
    const untilMs = nowMs() + hours * 3_600_000;
    return (input, output) =>
      contents?.keep({ attemptId, taskId, client: facts?.client ?? '', inputKind, input, output, untilMs });
  }

  #isWiredAsAuthorized(): boolean {
    const authorized = this.#deps.snapshots.current?.models.get(this.model.slug);
    return authorized === this.model || (authorized !== undefined && wiringOf(authorized) === this.#wiring);
  }

  /** Waits a moment for a snapshot that is at least as new as the decision. */
  async #untilAsNewAs(revision: number): Promise<void> {
    const { snapshots } = this.#deps;
    if ((snapshots.current?.revision ?? 0) < revision) await snapshots.untilRevision(revision, newerSnapshotWithinMs);
  }

  #authorize({ request, dataClass }: IncomingCall, facts: Facts | undefined): Refusal | undefined {
    const { snapshots, authorize, nowMs } = this.#deps;
    const revision = Number(request.revision);
    const snapshot = snapshots.current;
    // The record may have changed or gone meanwhile; the newest one is authorized, never the one this object was made with.
    const model = snapshot?.models.get(this.model.slug);
    if (!snapshot || !model || !facts)
      return { rule: 'unknown_model', detail: 'not in this worker’s snapshot', isRetryable: true };
    const authorized = { facts, dataClass, revision, expiresUnixMs: Number(request.expiresUnixMs) };
    return authorize(authorized, model, snapshot, snapshots.ageMs(), nowMs());
  }

  /** The rules once more, as of now, for data that counts as `dataClass`. */
  #authorizeAgain(call: IncomingCall, dataClass: DataClass): Refusal | undefined {
    const { request } = call;
    const stated = request.facts && factsFromWire(request.facts);
    // What hooks raised counts as stated; what documents gave is theirs to give anew.
    const facts = stated && dataClass !== call.dataClass ? { ...stated, dataClass } : stated;
    if (!this.#isWiredAsAuthorized())
      return { rule: 'old_connection', detail: 'its connection is being renewed', isRetryable: true };
    return this.#authorize({ ...call, dataClass }, facts);
  }

  #full(): void {
    this.#leaveTimer = setTimeout(
      contained(() => this.#quitSoon()),
      leaveAfterMs,
    );
  }

  #freeAgain(): void {
    clearTimeout(this.#leaveTimer);
    this.#enter();
    this.#announceSoon();
  }

  #circuitChanged(): void {
    if (this.circuit.pause()) return this.#quitSoon();
    this.#enter();
    this.#announceSoon();
  }

  #announceSoon(): void {
    if (!this.#membership) return;
    this.#announceTimer ??= setTimeout(
      contained(() => {
        this.#announceTimer = undefined;
        if (this.slots.free > 0 && this.#membership) this.#deps.groups.announceFree(this.model.slug, this.slots.offer);
      }),
      announceEveryMs,
    );
  }

  /** What is called with the same key. */
  #sharers(): string[] {
    const { provider, api_key } = this.model.document;
    if (api_key === undefined) return [];
    const models = [...(this.#deps.snapshots.current?.models.values() ?? [])];
    return models
      .filter(({ document }) => document.provider === provider && document.api_key === api_key)
      .map(({ slug }) => slug);
  }
}

/** What a connection depends on: a change of anything else keeps it. */
export function wiringOf({ document }: Model): string {
  const { provider, provider_model, endpoint, api_key, call_method, local, limits } = document;
  const { max_output_tokens: maximum, max_tokens_field: field } = document;
  const at = [provider, provider_model, endpoint, api_key, call_method, local];
  return JSON.stringify([at, limits?.concurrency, maximum, field]);
}

const busy = (
  call: IncomingCall,
  reason: string,
  more: Pick<MessageInitShape<typeof wire.CallBusySchema>, 'untilUnixMs' | 'isReserved' | 'isLimit' | 'isBudget'> = {},
): void => call.toRouter({ case: 'busy', value: create(wire.CallBusySchema, { reason, ...more }) });

const claimOf = ({ request: { facts } }: IncomingCall): SlotClaim => ({
  client: facts?.client ?? '',
  isUrgent: facts?.priority === wire.Priority.HIGH,
});

/** A router of before deliveries expired: nothing says whether its call is still wanted. */
const withoutWindow: Refusal = {
  rule: 'start_until',
  detail: 'it does not say until when it may start: its router is older than this worker',
  isRetryable: true,
};

interface Reserved {
  readonly hold: Hold;
  readonly maxOutputTokens: number | undefined;
}
type Room = Awaited<ReturnType<Allowances['take']>>;
const none = { requests: 0n, tokens: 0n, nano_usd: 0n };

/** A limit that no waiting would satisfy is a refusal of this model. */
const reached = (call: IncomingCall, limit: LimitReached): void =>
  limit.untilMs === Infinity
    ? refuse(call, { rule: 'limit', detail: limit.reason, isRetryable: true })
    : busy(call, limit.reason, { untilUnixMs: endOf(limit), isLimit: true, isBudget: limit.isBudget ?? false });

const pausing = (call: IncomingCall, pause: Pause): void => busy(call, pause.reason, { untilUnixMs: endOf(pause) });

const endOf = ({ untilMs }: Pause): bigint => BigInt(Math.ceil(untilMs));

const refuse = (call: IncomingCall, { rule, detail, isRetryable }: Refusal): void =>
  call.toRouter({ case: 'refused', value: create(wire.CallRefusedSchema, { rule, detail, retryable: isRetryable }) });
