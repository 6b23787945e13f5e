import { contained } from '@will/runtime';
import { create } from '@bufbuild/protobuf';
import { BusError } from '@will/bus';
import {
  sessionAfterCall,
  firstTokenTimeoutOf,
  type FirstTokenTimes,
  type HedgeBudget,
  type FirstTokenTimeout,
  queueTimeoutMs,
  startTimeoutMs,
  outcomeOf,
  select,
  type SessionBasis,
  type Candidate,
  type CallStatus,
  type Selection,
  type RankedSet,
} from '@will/core';
import { factsToWire, newId, wire } from '@will/contracts';
import { Attempt, type AttemptEnd, type AttemptListener, type DeliveryStamp } from './attempt.ts';
import type { Decisions } from '../decisions/decisions.ts';
import {
  blockedMessage,
  callersFaultOf,
  codeOf,
  codeOfBlocked,
  faultMessage,
  isOverflow,
  type Overflow,
  tooSmall,
  wayOf,
} from './failures.ts';
import type { AcceptedTask } from './intake.ts';
import {
  PolicyError,
  type BusClock,
  type TaskCaller,
  type Calls,
  type Choice,
  type DecidedSet,
  type RouterRecords,
  type Sessions,
  type CooldownView,
  type Workers,
} from '../ports.ts';
import type { QueueClaim, SlotQueues, Wait } from './slots.ts';
import { TaskRecords } from './task-records.ts';
import { type TaskObserver, noopObserver, type TasksObserver } from './observer.ts';

export interface RunDeps {
  readonly routerId: string;
  readonly decisions: Decisions;
  readonly calls: Calls;
  readonly workers: Workers;
  readonly cooldowns: CooldownView;
  readonly slots: SlotQueues;
  readonly records: RouterRecords;
  /** Absent: conversations have no say. */
  readonly sessions?: Sessions;
  readonly nowMs: () => number;
  readonly clock: BusClock;
  /** A seed for the choice among equals; recorded with the decision. */
  readonly newSeed: () => number;
  readonly observer?: TasksObserver;
  /** What is known for second calls beside silent ones, over all tasks. Absent: there are none. */
  readonly hedging?: { readonly budget: HedgeBudget; readonly times: FirstTokenTimes };
}

/**
 * So long is a call sent to the same model again while its workers are silent and another model may do the task: longer
 * than a process, or a server, stands still that is alive. The last one is waited for until the deadline.
 */
const timeoutMs = { others: 5_000, last: Number.POSITIVE_INFINITY } as const;
/** How often a task is decided at most, while the documents change under it. */
const maxDecisions = 3;
/** A call may be on its way, and policy away: what no rule restricts may be used for a while longer. */
const expirySlackMs = { unrestricted: 62_000, other: 2_000 } as const;

/** How often a call that did not arrive, or met the provider's limit, is sent again where nothing else is left. */
const maxRedeliveries = 3;

/** When to retry where a model cools down for long and another one may be served again at any time. */
const recheckAfterMs = 1_000;

/** Its caller hears so late that the task is here, unless it hears of the answer before: that says so as well. */
const acceptAfterMs = 20;

/** After its deadline a stream that the worker owns gets this long to end by itself. */
const workerGraceMs = 250;

/** Ends of attempts that say nothing of what another call of the model would come to. */
const notOfTheModel: ReadonlySet<string> = new Set<CallStatus>(['Policy', 'WorkerLost', 'Busy']);

/** Models as they are tried, those that are passed over at their places, so that the whole way is told. */
function inTurn(
  candidates: readonly Candidate[],
  order: readonly string[],
  passedOver: ReadonlyMap<string, unknown>,
): readonly string[] {
  const next = order.values();
  return candidates.map(({ model }) => (passedOver.has(model) ? model : (next.next().value ?? model)));
}

/** Nothing that another attempt does changes the task's end. */
const endsTask = (end: AttemptEnd): boolean =>
  end.kind === 'answered' ||
  end.kind === 'lost_with_content' ||
  end.kind === 'abandoned' ||
  (end.kind === 'failed' && !end.isRetryable && end.summary.status !== 'Cancelled');

interface FailureDetails {
  readonly isRetryable?: boolean;
  readonly retryAfterMs?: number;
  readonly exclusions?: RankedSet['exclusions'];
}

/**
 * One interactive task from acceptance to its one end: decide, then try the candidates in order until one has content.
 * From then on the worker owns the answer, and the router only watches that it lives.
 */
export class TaskRun implements AttemptListener {
  readonly task: AcceptedTask;
  readonly #deps: RunDeps;
  readonly #caller: TaskCaller;
  #decisionId = newId();
  /** Models that may do it and had no free slot to the end. */
  #full: readonly string[] = [];
  readonly #records: TaskRecords;
  readonly #observer: TaskObserver;
  /** How it ended, for the observer. */
  #end = 'INTERNAL';
  /** Models in whose queue its turn came. */
  readonly #hadItsTurnAt = new Set<string>();
  /** Until when a worker that is started is waited for. */
  #awaitedUntilMs: number | undefined;
  /** What ends its being counted where it has a call under way. */
  readonly #holds = new Set<() => void>();
  /** Made only where something waits for a slot. */
  #stop: AbortController | undefined;
  /** Why and until when workers say that a model cannot be called: a limit is reached, or it is degraded. */
  readonly #pauses = new Map<
    string,
    { readonly reason: string; readonly status: CallStatus; readonly untilMs: number; readonly isBudget: boolean }
  >();
  readonly #summaries: wire.AttemptSummary[] = [];
  readonly #attempts: Attempt[] = [];
  #lastNumber = 0;
  #decided: DecidedSet | undefined;
  #selection: Selection = { order: [], skipped: [] };
  #isOver = false;
  /** The caller does not know yet that the task is here. */
  #acceptTimer: NodeJS.Timeout | undefined;
  /** The end of an attempt that was opened again: the task ends with it, and no other one is made. */
  #reopened: Promise<void> | undefined;

  constructor(deps: RunDeps, task: AcceptedTask, caller: TaskCaller) {
    this.#deps = deps;
    this.task = task;
    this.#caller = caller;
    this.#records = new TaskRecords(deps.records, task, deps.nowMs);
    this.#observer = (deps.observer ?? noopObserver).task(task);
  }

  /** Resolves when the task is over; never rejects. */
  run(): Promise<void> {
    return this.#observer.run(() => this.#run());
  }

  async #run(): Promise<void> {
    // What the answer does not tell goes ahead of it.
    if (this.task.notices.length > 0) this.#sayAccepted();
    else
      this.#acceptTimer = setTimeout(
        contained(() => this.#sayAccepted()),
        acceptAfterMs,
      );
    const timer = setTimeout(
      contained(
        () => this.#deadlinePassed(),
        (error) => this.#failBy(error),
      ),
      Math.max(0, this.task.deadlineUnixMs - this.#deps.nowMs()),
    );
    try {
      await this.#decideAndTry();
      await this.#reopened;
    } catch (error) {
      this.#failBy(error);
    } finally {
      clearTimeout(timer);
      this.#over();
    }
  }

  #sayAccepted(): void {
    const { notices } = this.task;
    const value = create(wire.AcceptedSchema, { routerId: this.#deps.routerId, notices: [...notices] });
    this.#toCaller({ case: 'accepted', value });
  }

  /** The caller wants no more of it. */
  cancel(): void {
    this.#endEarly('Cancelled', 'the caller cancelled the task', wire.FailureCode.CANCELLED);
  }

  accepted(attempt: Attempt): void {
    this.#deps.slots.took(attempt.model, this.#claim);
    this.#records.intent(attempt);
  }

  hasContent(attempt: Attempt): void {
    this.#observer.firstContent();
    // Its worker owns the answer from here on, and has told the caller so.
    clearTimeout(this.#acceptTimer);
    this.#deps.hedging?.times.heard(attempt.model, attempt.ageMs);
    for (const other of this.#attempts) if (other !== attempt && !other.isEnded) other.command(wire.CallCommand.CANCEL);
  }

  /** Lets a later attempt speak once every earlier one has ended; the caller is told which one counts. */
  readyToCommit(attempt: Attempt): void {
    const earlier = this.#attempts.filter((other) => other.number < attempt.number && !other.isEnded);
    for (const other of earlier) other.command(wire.CallCommand.REVOKE);
    void Promise.all(earlier.map((other) => other.ended)).then(() => {
      if (this.#isDecided) return;
      this.#toCaller({ case: 'counts', value: create(wire.CountsSchema, { attempt: attempt.number }) });
      attempt.command(wire.CallCommand.COMMIT);
    });
  }

  mayReopen(attempt: Attempt): boolean {
    const others = this.#attempts.filter((other) => other !== attempt);
    return !this.#isDecided && !others.some(({ hasContent }) => hasContent);
  }

  reopened(attempt: Attempt): void {
    this.#reopened = this.#follow(attempt);
    this.#stop?.abort('another attempt answers');
  }

  /** To the end of an attempt that has content. */
  async #follow(attempt: Attempt): Promise<void> {
    const end = await attempt.ended;
    if (end.kind !== 'abandoned' && end.kind !== 'busy' && end.kind !== 'nobody') this.#settle(end, false);
  }

  /** What is tried besides changes nothing any more: it is over, or an attempt has content that was believed lost. */
  get #isDecided(): boolean {
    return this.#isOver || this.#reopened !== undefined;
  }

  async #decideAndTry(): Promise<void> {
    for (let round = 1; ; round += 1) {
      const decided = this.#deps.decisions.decide(this.task.facts);
      // A warm task goes on without a pause, so that its acceptance and its call leave in one write.
      const next = decided instanceof Promise ? await decided : decided;
      if (this.#isDecided) return;
      // Decided once more only where a worker refused, which means that the rules have changed meanwhile.
      if (next.setId === this.#decided?.setId) return this.#nothingLeft(this.#full);
      if (this.#decided) this.#decisionId = newId();
      this.#decided = next;
      this.#records.decided(this.#decisionId, next);
      this.#observer.decided(this.#decisionId, next.set.revision);
      const choice = this.#choose(next.set);
      this.#deps.records.decided(this.task.taskId, this.#decisionId, next, choice, this.task.ignoredFields);
      if (next.set.candidates.length === 0) return this.#blocked(next.set);
      this.#full = await this.#tryAll(next.set, choice.selection);
      if (this.#isDecided) return;
      if (round === maxDecisions || !this.#wasRefused()) return this.#nothingLeft(this.#full);
    }
  }

  #wasRefused(): boolean {
    return this.#summaries.some(({ status, attemptId }) => status === 'Policy' && attemptId !== '');
  }

  /** A provider said no to this task already: another decision does not change that. */
  #hasFailed(model: string): boolean {
    return this.#summaries.some(
      (summary) => summary.model === model && summary.attemptId !== '' && !notOfTheModel.has(summary.status),
    );
  }

  /** The context of the model that the input overflowed, of several the largest that is known; undefined: none did. */
  #overflow(): Overflow | undefined {
    const models = this.#summaries.filter(isOverflow).map(({ model }) => model);
    const tokens = (model: string): number => this.#contextTokens(model) ?? 0;
    const model = models.toSorted((a, b) => tokens(b) - tokens(a))[0];
    return model === undefined ? undefined : { model, tokens: this.#contextTokens(model) };
  }

  #contextTokens(model: string): number | undefined {
    return this.#deps.decisions.contextTokensOf(model);
  }

  /** Only a context that is known to be larger may hold what overflowed another one. */
  #isTooSmall(model: string): boolean {
    const overflow = this.#overflow();
    return overflow !== undefined && tooSmall(this.#contextTokens(model), overflow) !== undefined;
  }

  #skipTooSmall(model: string): boolean {
    const overflow = this.#overflow();
    const reason = overflow && tooSmall(this.#contextTokens(model), overflow);
    if (reason !== undefined) this.#skip(model, reason, 'Invalid');
    return reason !== undefined;
  }

  /** Takes models out that are too small for an input that overflowed another one since. */
  #fitting(models: string[]): readonly string[] {
    const small = new Set(models.filter((model) => this.#skipTooSmall(model)));
    if (small.size > 0) models.splice(0, models.length, ...models.filter((model) => !small.has(model)));
    return models;
  }

  #choose(set: RankedSet): Choice {
    const { workers, cooldowns, nowMs, newSeed } = this.#deps;
    const live = { unserved: workers.unserved(), coolingUntilMs: cooldowns.untilMs };
    const [seed, atMs] = [newSeed(), Math.round(nowMs())];
    const session = this.#sessionBasis(set, atMs);
    return { selection: select(set, live, { seed, nowMs: atMs, session }), live, seed, atMs, session };
  }

  #sessionBasis(set: RankedSet, atMs: number): SessionBasis | undefined {
    const { session, inputTokens } = this.task;
    const { sessions, decisions } = this.#deps;
    if (session === undefined || !sessions) return undefined;
    return decisions.sessionOf(set, sessions.of(session), inputTokens, atMs);
  }

  /** The model that answered holds the conversation from now on. */
  #keepSession(model: string): void {
    const { session, inputTokens } = this.task;
    const { sessions, nowMs } = this.#deps;
    if (session === undefined || !sessions) return;
    sessions.keep(session, sessionAfterCall(sessions.of(session), model, inputTokens, Math.round(nowMs())));
  }

  /**
   * Each candidate in order, waiting a moment where it is full; then whichever is left and free first. Yields what was
   * full to the end, where the task is not over.
   */
  async #tryAll({ candidates, waitMs }: RankedSet, selection: Selection): Promise<string[]> {
    this.#selection = selection;
    const { order, skipped } = selection;
    const full: string[] = [];
    const undelivered: string[] = [];
    const reasons = new Map(skipped.map(({ model, reason }) => [model, reason]));
    for (const model of inTurn(candidates, order, reasons)) {
      if (this.#hasFailed(model) || this.#skipTooSmall(model)) continue;
      const last = order.findLast((other) => !this.#isTooSmall(other));
      const reason = reasons.get(model);
      if (reason !== undefined) {
        this.#skip(model, reason);
        if (this.#cooldownMs(model) > 0 || this.#isAwaited(model)) full.push(model);
        continue;
      }
      const firstTokenTimeout = model === last && full.length === 0 ? timeoutMs.last : timeoutMs.others;
      const end = await this.#tryModel(model, waitMs, firstTokenTimeout, model !== last);
      if (end === 'done') return full;
      if (end === 'full') full.push(model);
      if (end === 'undelivered') undelivered.push(model);
    }
    if (await this.#tryFull(full, undelivered)) return full;
    for (let sent = 0; sent < maxRedeliveries && undelivered.length > 0; sent += 1) {
      const model = undelivered.shift() as string;
      if (this.#skipTooSmall(model)) continue;
      const end = await this.#tryModel(model, waitMs, timeoutMs.last);
      if (end === 'done') return full;
      if (end === 'undelivered') undelivered.push(model);
    }
    return full;
  }

  /** Waits for slots of full models until the deadline. True: the task is over. Leaves in `full` what never was free. */
  async #tryFull(full: string[], undelivered: string[]): Promise<boolean> {
    while (this.#fitting(full).length > 0) {
      const model = await this.#firstFree(full);
      if (model === undefined) return this.#isDecided;
      const end = await this.#tryModel(model, 0, timeoutMs.last);
      if (end === 'done') return true;
      if (end === 'full') continue;
      full.splice(full.indexOf(model), 1);
      if (end === 'undelivered') undelivered.push(model);
    }
    return false;
  }

  /** 'done': the task is over. 'next': this model is out. 'full', 'undelivered': it could do it, later. */
  async #tryModel(
    model: string,
    waitMs: number,
    firstTokenTimeout: number,
    anotherFollows = false,
  ): Promise<'done' | 'next' | 'full' | 'undelivered'> {
    const untilMs = this.#deps.nowMs() + waitMs;
    const mayTry = waitMs === 0 || this.#deps.slots.mayTryFirst(model, this.#claim);
    if (!mayTry && (await this.#inTurn(model, waitMs)) !== 'try') return this.#isDecided ? 'done' : 'full';
    while (!this.#isDecided) {
      const end = await this.#attemptHedged(model, firstTokenTimeout, anotherFollows);
      if (this.#isDecided || end.kind === 'abandoned') return 'done';
      if (end.kind === 'busy') this.#paused(model, end);
      if (end.kind !== 'busy' && end.kind !== 'nobody') return this.#settle(end, anotherFollows);
      if (end.kind === 'nobody' && !this.#deps.workers.isServed(model)) {
        if (this.#isAwaited(model)) return 'full';
        this.#skip(model, this.#whyUnserved(model));
        return 'next';
      }
      const leftMs = untilMs - this.#deps.nowMs();
      if (leftMs <= this.#cooldownMs(model) || (await this.#waitForSlot(model, leftMs)) !== 'try') return 'full';
    }
    return 'done';
  }

  #whyUnserved(model: string): string {
    return this.#deps.workers.unserved().get(model) ?? 'no live worker serves it';
  }

  /**
   * Nobody serves it now, and a worker is started for it on demand: being waited for is that demand. Tasks that can wait
   * are put off instead, so that they hold no place.
   */
  #isAwaited(model: string): boolean {
    const { decisions, workers } = this.#deps;
    return this.#claim.priority !== 'background' && decisions.isScalable(model) && !workers.isServed(model);
  }

  /** Not full but out of its limit, degraded or cooling down: it is not asked again before the worker's word ends. */
  #paused(
    model: string,
    { reason, untilUnixMs, isReserved, isLimit, isBudget }: Extract<AttemptEnd, { kind: 'busy' }>,
  ): void {
    if (isReserved) this.#deps.slots.kept(model, this.task.facts.client);
    if (untilUnixMs <= this.#deps.nowMs()) return;
    const isCoolingDown = this.#deps.cooldowns.untilMs.has(model);
    const status = isLimit ? 'RateLimited' : 'Busy';
    if (!isCoolingDown && !this.#pauses.has(model)) this.#skip(model, reason, status);
    this.#pauses.set(model, { reason, status, untilMs: untilUnixMs, isBudget });
  }

  /**
   * An attempt, and a second one of the next model besides where this one is silent for longer than the route allows. The
   * first content counts: the other one is cancelled, and recorded by its worker.
   */
  async #attemptHedged(model: string, firstTokenTimeout: number, anotherFollows: boolean): Promise<AttemptEnd> {
    const first = this.#attempt(model, firstTokenTimeout, anotherFollows);
    const next = await this.#untilHedged(model, first, anotherFollows);
    if (next === undefined) return await first;
    return await this.#firstToAnswer(first, this.#attempt(next, timeoutMs.others, true));
  }

  /** The model that is asked besides; undefined: none is. */
  async #untilHedged(model: string, first: Promise<AttemptEnd>, mayHedge: boolean): Promise<string | undefined> {
    const { hedging } = this.#deps;
    const { hedgeAfter, stream } = this.task;
    hedging?.budget.called();
    const afterMs = hedgeAfter === 'p95' ? hedging?.times.p95Ms(model) : hedgeAfter;
    const attempt = this.#attempts.at(-1);
    if (!hedging || !attempt || afterMs === undefined || !stream || !mayHedge) return undefined;
    const due = Promise.withResolvers<void>();
    const timer = setTimeout(due.resolve, afterMs);
    await Promise.race([first, due.promise]);
    clearTimeout(timer);
    if (this.#isDecided || attempt.isEnded || attempt.hasContent || !attempt.isAccepted) return undefined;
    const next = this.#selection.order.find(
      (other) => other !== model && !this.#hasFailed(other) && !this.#isTooSmall(other),
    );
    return next !== undefined && this.#isFree(next) && hedging.budget.take() ? next : undefined;
  }

  #isFree(model: string): boolean {
    return this.#cooldownMs(model) === 0 && this.#deps.slots.mayTryFirst(model, this.#claim);
  }

  /** The end of whichever ends the task; else of the one that ended last, the other one stands among the attempts. */
  async #firstToAnswer(first: Promise<AttemptEnd>, second: Promise<AttemptEnd>): Promise<AttemptEnd> {
    const [end, other] = await Promise.race([
      first.then((end) => [end, second] as const),
      second.then((end) => [end, first] as const),
    ]);
    if (endsTask(end)) {
      for (const attempt of this.#attempts) if (!attempt.isEnded) attempt.command(wire.CallCommand.CANCEL);
      return end;
    }
    const otherEnd = await other;
    if (!('summary' in end)) return otherEnd;
    if (!('summary' in otherEnd)) return end;
    this.#summaries.push(end.summary);
    if (end.kind === 'lost') this.#lost(end.summary);
    return otherEnd;
  }

  async #attempt(model: string, firstTokenTimeout: number, anotherFollows: boolean): Promise<AttemptEnd> {
    const { calls, clock } = this.#deps;
    const firstId = newId();
    const earlier = [...this.#attempts];
    const observer = this.#observer.attempt(model, this.#summaries.length + 1, firstId);
    const dataClass = (this.#decided as DecidedSet).set.dataClass;
    const plan = {
      model,
      client: this.task.client,
      timeoutMs: firstTokenTimeout,
      firstId,
      dispatch: (stamp: DeliveryStamp) => ({
        request: this.#request(model, stamp, earlier, anotherFollows),
        dataClass,
      }),
    };
    const attempt = observer.run(() => new Attempt(calls, plan, this, clock));
    this.#attempts.push(attempt);
    const leave = this.#deps.slots.hold(model, this.task.facts.client);
    this.#holds.add(leave);
    const end = await attempt.ended;
    // The end of the task has let go of it already.
    if (end.kind === 'abandoned') return end;
    leave();
    this.#holds.delete(leave);
    observer.ended('summary' in end ? end.summary.status : end.kind);
    const hasNothingUnderWay = (end.kind === 'busy' || end.kind === 'nobody') && !attempt.isUnheard;
    if (hasNothingUnderWay) this.#attempts.splice(this.#attempts.indexOf(attempt), 1);
    return end;
  }

  #settle(
    end: Exclude<AttemptEnd, { kind: 'busy' | 'nobody' | 'abandoned' }>,
    anotherFollows: boolean,
  ): 'done' | 'next' | 'full' | 'undelivered' {
    this.#summaries.push(end.summary);
    if (end.kind === 'answered') {
      this.#keepSession(end.summary.model);
      this.#deps.slots.answered(end.summary.model, end.summary.durationMs);
      this.#end = end.summary.status;
      this.#over();
      return 'done';
    }
    if (end.kind === 'lost' || end.kind === 'lost_with_content') this.#lost(end.summary);
    if (end.kind === 'lost_with_content') {
      this.#fail(wire.FailureCode.WORKER_LOST, `the worker died in the middle of the answer of ${end.summary.model}`, {
        isRetryable: true,
      });
      return 'done';
    }
    if (end.kind === 'failed' && !end.isRetryable) {
      this.#failLike(end.summary, end.retryAfterMs);
      return 'done';
    }
    // What the provider did not take, since its limit was reached, may be sent again after the cooldown.
    if (end.summary.status === 'RateLimited' && this.#limitsMet(end.summary.model) <= maxRedeliveries) return 'full';
    // It gave way to others since it was silent for long. Where they cannot do it, it is asked once more and waited for.
    if (end.summary.status === 'Stalled' && anotherFollows) return 'undelivered';
    return end.kind === 'undelivered' ? 'undelivered' : 'next';
  }

  #leftMs(): number {
    return this.task.deadlineUnixMs - this.#deps.nowMs();
  }

  /** How long a model may be silent while others follow: the models that are left share the time that is left. */
  #firstTokenTimeoutWith(model: string): FirstTokenTimeout {
    const { candidates } = (this.#decided as DecidedSet).set;
    const usual = candidates.find((candidate) => candidate.model === model)?.firstContent;
    return firstTokenTimeoutOf({
      leftMs: this.#leftMs(),
      candidatesLeft: Math.max(2, this.#untried(model)),
      typicalMs: usual?.timeoutMs,
      slowMs: usual?.slowMs,
    });
  }

  /** Models that were not tried yet, this one included. */
  #untried(model: string): number {
    const tried = new Set(this.#summaries.map((summary) => summary.model));
    return this.#selection.order.filter((other) => other === model || !(tried.has(other) || this.#isTooSmall(other)))
      .length;
  }

  #limitsMet(model: string): number {
    return this.#summaries.filter(
      (summary) => summary.model === model && summary.attemptId !== '' && summary.status === 'RateLimited',
    ).length;
  }

  /** A task that comes while others wait for the model queues behind them. */
  #inTurn(model: string, timeoutMs: number): ReturnType<SlotQueues['wait']> {
    return this.#heard(model, this.#deps.slots.comeInTurn(model, this.#wait(model, timeoutMs)));
  }

  #waitForSlot(model: string, timeoutMs: number, signal = this.#stopSignal()): ReturnType<SlotQueues['wait']> {
    return this.#heard(model, this.#deps.slots.wait(model, this.#wait(model, timeoutMs, signal)));
  }

  get #claim(): QueueClaim {
    return this.task.facts;
  }

  #wait(model: string, timeoutMs: number, signal = this.#stopSignal()): Wait {
    const { priority, client } = this.#claim;
    // A slot that comes too late for the call to end in time would be wasted.
    const usableMs = this.#leftMs() - this.#deps.slots.defaultCallMs(model);
    return {
      priority,
      client,
      timeoutMs: Math.max(0, Math.min(timeoutMs, usableMs, this.#maxWaitMs([model]))),
      signal,
      isAgain: this.#hadItsTurnAt.has(model),
    };
  }

  async #heard(model: string, answer: ReturnType<SlotQueues['wait']>): ReturnType<SlotQueues['wait']> {
    const told = await answer;
    if (told === 'try') this.#hadItsTurnAt.add(model);
    return told;
  }

  #stopSignal(): AbortSignal {
    this.#stop ??= new AbortController();
    return this.#stop.signal;
  }

  /** The first of some full models that has a slot again; undefined: none before the deadline. */
  async #firstFree(models: readonly string[]): Promise<string | undefined> {
    const leftMs = Math.min(this.#leftMs(), this.#maxWaitMs(models));
    if (leftMs <= 0) return undefined;
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stopSignal(), lost.signal]);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const waits = models.map(async (model) => {
      if ((await this.#turn(model, leftMs, signal)) === 'try') resolve(model);
    });
    void Promise.all(waits).then(() => resolve(undefined));
    const model = await promise;
    lost.abort('another model is free');
    return model;
  }

  /** Slots of a model that is served come soon or not at all; a worker that is started takes its time, counted from the first look. */
  #maxWaitMs(models: readonly string[]): number {
    if (!models.some((model) => this.#isAwaited(model))) return queueTimeoutMs;
    this.#awaitedUntilMs ??= this.#deps.nowMs() + startTimeoutMs;
    return Math.max(0, this.#awaitedUntilMs - this.#deps.nowMs());
  }

  /** Resolves 'try' when it is this task's turn at a model that is full or cooling down. */
  async #turn(model: string, leftMs: number, signal: AbortSignal): ReturnType<SlotQueues['wait']> {
    const wasCoolingDown = this.#cooldownMs(model) > 0;
    if (wasCoolingDown && !(await this.#whenNotCoolingDown(model, leftMs, signal))) return 'timeout';
    const turn = this.#waitForSlot(model, leftMs, signal);
    // No message says that a cooldown is over: each process that waited for it lets one task go, whose turn it is, once all of them are queued.
    if (wasCoolingDown) setImmediate(contained(() => this.#deps.slots.free(model, 1)));
    return turn;
  }

  /** Remaining cooldown or time until its limit opens; 0: none. */
  #cooldownMs(model: string): number {
    const untilMs = Math.max(this.#deps.cooldowns.untilMs.get(model) ?? 0, this.#pauses.get(model)?.untilMs ?? 0);
    return Math.max(0, untilMs - this.#deps.nowMs());
  }

  /** Resolves true when the model's cooldown is over, false at once where that will not be in time. */
  async #whenNotCoolingDown(model: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const untilMs = this.#deps.nowMs() + timeoutMs;
    while (this.#cooldownMs(model) > 0) {
      if (signal.aborted || this.#deps.nowMs() + this.#cooldownMs(model) > untilMs) return false;
      await this.#cooldownEndsOrChanges(model, signal);
    }
    return true;
  }

  #cooldownEndsOrChanges(model: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    const timer = setTimeout(contained(done), this.#cooldownMs(model) + 1);
    const stop = this.#deps.cooldowns.onChange((changed) => changed === model && resolve());
    signal.addEventListener('abort', done, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', done);
    });
  }

  /** Above that of every call whose end nobody has seen: its frames must not be taken for those of this one. */
  #nextNumber(isFirstDelivery: boolean, earlier: readonly Attempt[]): number {
    const isAlone = isFirstDelivery && earlier.every(({ isEnded, isUnheard }) => isEnded && !isUnheard);
    this.#lastNumber = Math.max(this.#summaries.length + 1, isAlone ? 0 : this.#lastNumber + 1);
    return this.#lastNumber;
  }

  #request(
    model: string,
    { attemptId, earlierIds, startUntilUnixMs }: DeliveryStamp,
    earlier: readonly Attempt[],
    anotherFollows: boolean,
  ): wire.CallRequest {
    const { task } = this;
    const { set } = this.#decided as DecidedSet;
    const firstTokenTimeout = anotherFollows ? this.#firstTokenTimeoutWith(model) : undefined;
    return create(wire.CallRequestSchema, {
      taskId: task.taskId,
      attemptId,
      attempt: this.#nextNumber(earlierIds.length === 0, earlier),
      earlierIds: [...earlierIds],
      startUntilUnixMs: BigInt(startUntilUnixMs),
      decisionId: this.#decisionId,
      revision: BigInt(set.revision),
      expiresUnixMs: BigInt(Math.floor(Math.min(task.deadlineUnixMs, this.#expiryOf(set)))),
      facts: factsToWire(task.facts),
      model,
      deadlineUnixMs: BigInt(task.deadlineUnixMs),
      callerInbox: this.#caller.inbox,
      mayCommit: earlierIds.length === 0 && earlier.every((attempt) => attempt.isEnded && !attempt.isUnheard),
      stream: task.stream,
      maxOutputTokens: task.maxOutputTokens,
      prior: [...this.#summaries],
      inputKind: task.inputKind,
      input: task.input,
      ...(task.payload && { payload: task.payload }),
      inputTokens: task.inputTokens,
      onlyChoice: this.#selection.order.length <= 1,
      anotherFollows,
      firstContentTimeoutMs: firstTokenTimeout?.timeoutMs ?? 0,
      isHurried: firstTokenTimeout?.isHurried ?? false,
      firstTokenTimeoutMs: task.timeouts.firstTokenMs ?? 0,
      idleTimeoutMs: task.timeouts.idleMs,
    });
  }

  #expiryOf(set: RankedSet): number {
    const { unrestricted, other } = expirySlackMs;
    return set.validUntilMs + (this.#deps.decisions.mayOutlive(set) ? unrestricted : other);
  }

  /** A model that was not called at all stands among the attempts with the reason, so that the caller sees the whole way. */
  #skip(model: string, reason: string, status: CallStatus = 'NoWorker'): void {
    this.#summaries.push(
      create(wire.AttemptSummarySchema, {
        number: this.#summaries.length + 1,
        model,
        outcome: outcomeOf(status),
        status,
        reason,
      }),
    );
  }

  #blocked(set: RankedSet): void {
    this.#fail(codeOfBlocked(set), blockedMessage(this.task, set), { exclusions: set.exclusions });
    this.#records.noCall('Policy', 'no model may do it');
  }

  #nothingLeft(full: readonly string[]): void {
    if (full.length > 0 && full.every((model) => this.#isAwaited(model))) return this.#noneStarted(full);
    const others = this.#summaries.filter(({ model }) => !full.includes(model));
    const areAllCoolingDown = full.length > 0 && full.every((model) => this.#cooldownMs(model) > 0);
    if (areAllCoolingDown && others.every(({ attemptId }) => attemptId === ''))
      return this.#areAllCoolingDown(full, others);
    if (full.length > 0 && !areAllCoolingDown) {
      this.#fail(wire.FailureCode.OVERLOADED, `all slots of ${full.join(', ')} are taken`, {
        isRetryable: true,
        retryAfterMs: Math.min(...full.map((model) => this.#deps.slots.retryAfterMs(model))),
      });
      return this.#records.noCall('Busy', 'all slots are taken');
    }
    const fault = full.length === 0 ? callersFaultOf(this.#summaries) : undefined;
    if (fault !== undefined) {
      const message = faultMessage(fault, this.#summaries);
      this.#fail(fault, message);
      return this.#records.noCall('Invalid', message);
    }
    if (this.#summaries.some(({ status }) => status !== 'NoWorker')) {
      this.#fail(wire.FailureCode.ALL_FAILED, `every attempt failed: ${wayOf(this.#summaries)}`, { isRetryable: true });
      return this.#records.noCall('Policy', 'every worker refused or was silent');
    }
    this.#fail(wire.FailureCode.NO_WORKER, `no live worker serves a model that may do it: ${wayOf(this.#summaries)}`, {
      isRetryable: true,
    });
    this.#records.noCall('NoWorker', 'no live worker serves a model that may do it');
  }

  #noneStarted(models: readonly string[]): void {
    for (const model of models)
      if (!this.#summaries.some((summary) => summary.model === model)) this.#skip(model, this.#whyUnserved(model));
    this.#fail(
      wire.FailureCode.NO_WORKER,
      `no worker was started for ${models.join(', ')} in time: ${wayOf(this.#summaries)}`,
      { isRetryable: true, retryAfterMs: recheckAfterMs },
    );
    this.#records.noCall('NoWorker', 'no worker was started in time');
  }

  /** @param others models that are not served now, and may be again at any time. */
  #areAllCoolingDown(models: readonly string[], others: readonly wire.AttemptSummary[]): void {
    const first = models.toSorted((a, b) => this.#cooldownMs(a) - this.#cooldownMs(b))[0] as string;
    const cooldownMs = Math.ceil(this.#cooldownMs(first));
    const at = new Date(this.#deps.nowMs() + cooldownMs).toISOString();
    const told = this.#pauses.get(first);
    // What a worker said may be over, and a longer cooldown have begun.
    const pause = told && told.untilMs >= (this.#deps.cooldowns.untilMs.get(first) ?? 0) ? told : undefined;
    const why = pause ? `${first}: ${pause.reason}, until ${at}` : `${first} is cooling down until ${at}`;
    const isAll = others.length === 0;
    if (models.every((model) => this.#isOutOfBudget(model))) return this.#budgetUsedUp(why, cooldownMs);
    const message = isAll ? 'all eligible models are cooling down' : `no model is free: ${wayOf(others)}`;
    this.#fail(wire.FailureCode.OVERLOADED, `${message}; ${why}`, {
      isRetryable: true,
      retryAfterMs: isAll ? cooldownMs : Math.min(cooldownMs, recheckAfterMs),
    });
    this.#records.noCall(pause?.status ?? 'Busy', why);
  }

  /** Its pause is the end of a budget's period, and no longer cooldown hides it. */
  #isOutOfBudget(model: string): boolean {
    const pause = this.#pauses.get(model);
    return pause?.isBudget === true && pause.untilMs >= (this.#deps.cooldowns.untilMs.get(model) ?? 0);
  }

  /** To come again sooner is of no use: the error is told to be final, and when its period ends. */
  #budgetUsedUp(why: string, cooldownMs: number): void {
    this.#fail(wire.FailureCode.BUDGET_EXHAUSTED, `the budget is used up: ${why}`, { retryAfterMs: cooldownMs });
    this.#records.noCall('RateLimited', why);
  }

  #lost(summary: wire.AttemptSummary): void {
    const attempt = this.#attempts.find(({ id }) => id === summary.attemptId);
    if (attempt) this.#records.lost(attempt, summary);
  }

  #failLike(summary: wire.AttemptSummary, retryAfterMs: number): void {
    this.#fail(codeOf(summary), `${summary.model}: ${summary.reason}`, { retryAfterMs });
  }

  #failBy(error: unknown): void {
    if (error instanceof PolicyError) {
      this.#fail(wire.FailureCode.UNAVAILABLE, `no decision: ${error.message}`, {
        isRetryable: error.code === 'unavailable',
      });
    } else if (error instanceof BusError) {
      this.#fail(wire.FailureCode.UNAVAILABLE, 'NATS is not connected', { isRetryable: true });
    } else {
      this.#fail(wire.FailureCode.INTERNAL, `the router failed: ${(error as Error).message}`);
    }
    this.#records.noCall('Policy', 'no decision');
  }

  #deadlinePassed(): void {
    const owner = this.#attempts.find((attempt) => attempt.hasContent && !attempt.isEnded);
    if (owner && !this.#isOver) {
      setTimeout(
        contained(
          () => this.#endEarly('Deadline', 'the deadline passed', wire.FailureCode.DEADLINE),
          (error) => this.#failBy(error),
        ),
        workerGraceMs,
      );
    } else {
      this.#endEarly('Deadline', 'the deadline passed', wire.FailureCode.DEADLINE);
    }
  }

  #endEarly(status: CallStatus, message: string, code: wire.FailureCode): void {
    if (this.#isOver) return;
    for (const attempt of this.#attempts) {
      if (attempt.isEnded) continue;
      attempt.command(wire.CallCommand.CANCEL);
      this.#summaries.push(attempt.summary(status, message));
    }
    this.#fail(code, message, { isRetryable: status === 'Deadline' });
    this.#records.noCall(status, message);
  }

  #fail(code: wire.FailureCode, message: string, details: FailureDetails = {}): void {
    if (this.#isOver) return;
    const failure = create(wire.FailureSchema, {
      code,
      message,
      retryable: details.isRetryable ?? false,
      retryAfterMs: details.retryAfterMs ?? 0,
      decisionId: this.#decided ? this.#decisionId : '',
      attempts: [...this.#summaries],
      exclusions: (details.exclusions ?? []).slice(0, 200).map((exclusion) => ({ ...exclusion })),
    });
    this.#toCaller({ case: 'failure', value: failure });
    this.#end = wire.FailureCode[code] ?? 'INTERNAL';
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#acceptTimer);
    // With a reason of its own: without one each abort makes an error with a stack.
    this.#stop?.abort('over');
    for (const attempt of this.#attempts) if (!attempt.isEnded) attempt.abandon();
    for (const leave of this.#holds) leave();
    this.#observer.ended(this.#end);
  }

  #toCaller(kind: wire.Frame['kind']): void {
    this.#caller.send(create(wire.FrameSchema, { taskId: this.task.taskId, attempt: 0, sequence: 0, kind }));
  }
}
