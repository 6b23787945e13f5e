import {
  amountsOf,
  countsAgainstModel,
  DegradationSignal,
  priceAt,
  styleOrderOf,
  type Facts,
  type Model,
  type Snapshot,
} from '@will/core';
import { factsFromWire, wire } from '@will/contracts';
import type { CallHook } from '@will/extension';
import type { ModelConnection, ProviderOutcome } from '@will/providers';
import type { Authorizer, Refusal } from '../call/authorize.ts';
import { CallAuthorizer } from '../call/call-authorizer.ts';
import type { CallDeps } from '../call/call-deps.ts';
import type { CallIndex } from '../call/call-index.ts';
import { noopObserver, type CallObserver, type CallsObserver } from '../call/observer.ts';
import { busy, pausing, reached, refuse } from '../call/replies.ts';
import { reserve } from '../call/reservation.ts';
import { StartWindow } from '../call/start-window.ts';
import { WholeAsStream } from '../call/whole-as-stream.ts';
import { WorkerCall } from '../call/worker-call.ts';
import type {
  CallRecords,
  Contents,
  CooldownStore,
  Groups,
  IncomingCall,
  PayloadSource,
  StartClock,
  WorkerSnapshots,
} from '../ports.ts';
import type { Allowances, Hold } from '../quota/allowances.ts';
import { GroupMembership } from './group-membership.ts';
import { ModelCircuit, trialRetryMs, type Pause } from './model-circuit.ts';
import { Slots, type SlotClaim } from './slots.ts';

/** The ports and shared state that every served model uses. */
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

/** A call that has all it needs to be made. */
interface AdmittedCall {
  readonly call: IncomingCall;
  readonly facts: Facts | undefined;
  readonly window: StartWindow;
  readonly isTrial: boolean;
  readonly hold: Hold;
  readonly maxOutputTokens: number | undefined;
}

/**
 * A model that this process serves. It is in the model's queue group while a slot is free, and answers `busy` for calls
 * that were already on their way: being in the group is the optimisation, `busy` the guarantee.
 */
export class ServedModel {
  readonly slots: Slots;
  model: Model;
  readonly circuit: ModelCircuit;
  readonly #deps: ServedDeps;
  readonly #connection: ModelConnection;
  readonly #onOutcome: OutcomeListener;
  readonly #membership: GroupMembership;
  readonly #authorizer: CallAuthorizer;
  readonly #degradation = new DegradationSignal();
  readonly #wholeAsStream = new WholeAsStream();
  /** Waited for by the one that closes. */
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(deps: ServedDeps, model: Model, connection: ModelConnection, onOutcome: OutcomeListener = () => {}) {
    this.#deps = deps;
    this.#onOutcome = onOutcome;
    this.model = model;
    this.#connection = connection;
    const served = (): Model => this.model;
    this.#authorizer = new CallAuthorizer(deps, served);
    this.#membership = new GroupMembership({
      groups: deps.groups,
      onError: deps.onError,
      model: served,
      slots: () => this.slots,
      circuit: () => this.circuit,
      onCall: (call) => this.#take(call),
    });
    this.slots = new Slots(
      capacityOf(model, connection),
      () => this.#membership.full(),
      () => this.#membership.freeAgain(),
    );
    const sharers = (): string[] => sharersOf(this.model, deps.snapshots.current);
    this.circuit = new ModelCircuit({ ...deps, sharers, onChange: () => this.#membership.circuitChanged() }, served);
  }

  get isMember(): boolean {
    return this.#membership.isMember;
  }

  checkHealth(signal: AbortSignal): ReturnType<ModelConnection['checkHealth']> {
    return this.#connection.checkHealth(signal);
  }

  /** From now on it is in the groups of the data classes that its tags admit, while it has a slot and is not cooling down. */
  join(): void {
    this.#membership.join();
  }

  /** Until it is told to join again. */
  async leave(): Promise<void> {
    await this.#membership.leave();
  }

  /** Takes over another version of the record whose connection stays the same. */
  async change(model: Model): Promise<void> {
    await this.#membership.during(() => {
      this.model = model;
    });
  }

  /** Leaves, waits for calls in flight, and closes the connection. */
  async close(): Promise<void> {
    this.circuit.close();
    await this.#membership.close();
    while (this.slots.taken > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
    await this.#connection.close();
  }

  #take(call: IncomingCall): void {
    const { startClock, calls } = this.#deps;
    const { startUntilUnixMs, attemptId, earlierIds } = call.request;
    if (startUntilUnixMs === 0n) return refuse(call, withoutWindow);
    const window = new StartWindow(startClock, call);
    if (window.state === 'over') return window.refuse();
    if (calls.sayAgain(attemptId) || earlierIds.some((id) => calls.sayAgain(id))) return;
    // The slot is taken before anything is awaited: two calls can never see the same free one.
    const claim = claimOf(call);
    const taken = this.slots.take(claim);
    if (taken === 'full') return busy(call, 'all slots are taken');
    if (taken === 'kept') return busy(call, 'free slots are kept for other clients', { isReserved: true });
    void this.#holding(claim, call, window);
  }

  /** Has its slot until it is over. Never rejects. */
  async #holding(claim: SlotClaim, call: IncomingCall, window: StartWindow): Promise<void> {
    try {
      await this.#admit(call, window);
    } catch (error) {
      this.#broke(call, error);
    } finally {
      this.slots.give(claim);
      if (this.slots.taken === 0) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  /** Whatever a call made go wrong fails that call, and another model or worker may do its task. */
  #broke(call: IncomingCall, error: unknown): void {
    this.#deps.onError('a call', error);
    refuse(call, { rule: 'failed', detail: 'the worker failed at it; its log says how', isRetryable: true });
  }

  #admit(call: IncomingCall, window: StartWindow): Promise<void> | void {
    if (this.circuit.isUnproven && !this.circuit.pause()) return this.#tryAgain(call, window);
    return this.#unlessDegraded(call, window);
  }

  /** The first call after a cooldown is its trial. */
  async #tryAgain(call: IncomingCall, window: StartWindow): Promise<void> {
    const trial = await this.circuit.requestTrial();
    if (trial === undefined) return this.#unlessDegraded(call, window);
    if (trial !== 'trial') return pausing(call, trial);
    try {
      await this.#serve(call, window, true);
    } finally {
      this.circuit.releaseTrial();
    }
  }

  #unlessDegraded(call: IncomingCall, window: StartWindow): Promise<void> | void {
    const degraded = call.request.anotherFollows ? this.#degraded() : undefined;
    return degraded ? pausing(call, degraded) : this.#serve(call, window, false);
  }

  /** A model that falls silent or begins to fail is not called where another one may do the task. */
  #degraded(): Pause | undefined {
    const nowMs = this.#deps.nowMs();
    const reason = this.#degradation.reason(nowMs);
    return reason === undefined ? undefined : { reason, untilMs: nowMs + trialRetryMs };
  }

  async #serve(call: IncomingCall, window: StartWindow, isTrial: boolean): Promise<void> {
    const reserving = reserve(this.#deps, this.model, call, window);
    const reservation = reserving instanceof Promise ? await reserving : reserving;
    const { taken, maxOutputTokens, isTakenBack, mayStart } = reservation;
    if ('untilMs' in taken) return reached(call, taken);
    if (isTakenBack || !mayStart) {
      taken.release();
      return isTakenBack ? busy(call, 'it was taken back') : window.refuse();
    }
    try {
      const facts = call.request.facts && factsFromWire(call.request.facts);
      if (this.#isAuthorized(call, facts))
        await this.#run({ call, facts, window, isTrial, maxOutputTokens, hold: taken });
    } finally {
      taken.release();
    }
  }

  /** Whether it may be made; its router is told why not. */
  #isAuthorized(call: IncomingCall, facts: Facts | undefined): boolean {
    const refusal = this.#authorizer.refusal(call, facts);
    const pause = this.circuit.pause();
    if (refusal) refuse(call, refusal);
    // The record that was authorized may state another address than the one this connection goes to.
    else if (!this.#authorizer.isWiredAsAuthorized) busy(call, 'its connection is being renewed');
    else if (pause) pausing(call, pause);
    else return true;
    return false;
  }

  #run(admitted: AdmittedCall): Promise<void> {
    const { request } = admitted.call;
    const startedMs = this.#deps.nowMs();
    const observer = (this.#deps.observer ?? noopObserver)(this.model, request);
    const work = new WorkerCall(this.#callDeps(admitted, startedMs, observer), admitted.call);
    const bounded = this.#showsSilence(request) ? request.firstContentTimeoutMs : 0;
    this.#degradation.sent(request.attemptId, startedMs, bounded);
    return observer.run(() => work.run());
  }

  #callDeps(admitted: AdmittedCall, startedMs: number, observer: CallObserver): CallDeps {
    const { call, facts, window, maxOutputTokens } = admitted;
    const { calls, workerId, nowMs, snapshots, payloads, hooks, onError, records } = this.#deps;
    const snapshot = snapshots.current;
    const { onFirstContent, onOutcome } = this.#lessons(admitted, startedMs);
    return {
      calls,
      style: snapshot && facts && styleOrderOf(snapshot, facts, this.model),
      window,
      workerId,
      nowMs,
      payloads,
      hooks,
      facts,
      // What was authorized may change while content is fetched or hooks are asked: then it is authorized again.
      authorizeAgain: (dataClass): Refusal | undefined => this.#authorizer.refusalAgain(call, dataClass),
      onError,
      taskType: facts && snapshot?.taskTypes.get(facts.taskType),
      keepContent: this.#contentKeeper(call, snapshot?.clients.get(facts?.client ?? '')?.keep_content_hours),
      maxOutputTokens,
      model: this.model,
      connection: this.#connection,
      wholeAsStream: this.#wholeAsStream,
      record(made) {
        records.call(made);
        observer.ended(made);
      },
      onChunk: () => observer.chunk(),
      onFirstContent,
      onOutcome,
    };
  }

  /** What the call tells of the model's health while and after it runs. */
  #lessons(
    { call: { request }, isTrial, hold }: AdmittedCall,
    startedAtMs: number,
  ): Pick<CallDeps, 'onFirstContent' | 'onOutcome'> {
    const { attemptId, onlyChoice } = request;
    let wasHeard = false;
    return {
      onFirstContent: () => {
        wasHeard = true;
        this.#degradation.heard(attemptId, this.#deps.nowMs());
        this.circuit.heard(startedAtMs);
      },
      onOutcome: (outcome) => {
        if (outcome.ok && !wasHeard) this.#degradation.heard(attemptId, this.#deps.nowMs());
        else this.#degradation.ended(attemptId, !outcome.ok && countsAgainstModel(outcome.failure));
        hold.settle(amountsOf(outcome.usage, priceAt(this.model, startedAtMs)));
        this.#onOutcome(outcome);
        this.circuit.learn(outcome, { isTrial, isOnlyChoice: onlyChoice, startedAtMs, wasHeard });
      },
    };
  }

  /** Whether its first content comes before its end. */
  #showsSilence({ stream, inputKind, input }: wire.CallRequest): boolean {
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
}

function capacityOf({ concurrency }: Model, { naturalConcurrency }: ModelConnection): number {
  return Math.min(concurrency ?? naturalConcurrency ?? defaultConcurrency, naturalConcurrency ?? Infinity);
}

/** Models that are called with the same key. */
function sharersOf({ document: { provider, api_key } }: Model, snapshot: Snapshot | undefined): string[] {
  if (api_key === undefined) return [];
  return [...(snapshot?.models.values() ?? [])]
    .filter(({ document }) => document.provider === provider && document.api_key === api_key)
    .map(({ slug }) => slug);
}

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
