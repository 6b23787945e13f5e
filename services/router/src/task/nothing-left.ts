import { wire } from '@will/contracts';
import type { Availability } from './availability.ts';
import type { Evidence } from './evidence.ts';
import { callersFaultOf, faultMessage, wayOf } from './failures.ts';
import type { TaskFailure } from './task-outcome.ts';
import type { TaskContext } from './task-context.ts';

/** When to retry where a model cools down for long and another one may be served again at any time. */
const recheckAfterMs = 1_000;

/** Explains why no candidate answered, and when it is worth trying again. */
export class NothingLeft {
  readonly #context: TaskContext;
  readonly #evidence: Evidence;
  readonly #availability: Availability;

  constructor(context: TaskContext, evidence: Evidence, availability: Availability) {
    this.#context = context;
    this.#evidence = evidence;
    this.#availability = availability;
  }

  /** @param full models that may do it and had no free slot to the end. */
  failure(full: readonly string[]): TaskFailure {
    if (full.length > 0 && full.every((model) => this.#availability.isAwaited(model))) return this.#noneStarted(full);
    const others = this.#summaries.filter(({ model }) => !full.includes(model));
    const areAllCoolingDown = full.length > 0 && full.every((model) => this.#availability.cooldownMs(model) > 0);
    if (areAllCoolingDown && others.every(({ attemptId }) => attemptId === ''))
      return this.#allCoolingDown(full, others);
    if (full.length > 0 && !areAllCoolingDown) return this.#allFull(full);
    return (full.length === 0 ? this.#callersFault() : undefined) ?? this.#allFailed() ?? this.#noWorker();
  }

  get #summaries(): readonly wire.AttemptSummary[] {
    return this.#evidence.summaries;
  }

  #noneStarted(models: readonly string[]): TaskFailure {
    for (const model of models)
      if (!this.#evidence.has(model)) this.#evidence.skip(model, this.#availability.whyUnserved(model));
    return {
      code: wire.FailureCode.NO_WORKER,
      message: `no worker was started for ${models.join(', ')} in time: ${wayOf(this.#summaries)}`,
      isRetryable: true,
      retryAfterMs: recheckAfterMs,
      noCall: { status: 'NoWorker', reason: 'no worker was started in time' },
    };
  }

  /** @param others models that are not served now, and may be again at any time. */
  #allCoolingDown(models: readonly string[], others: readonly wire.AttemptSummary[]): TaskFailure {
    const cooldownOf = (model: string): number => this.#availability.cooldownMs(model);
    const first = models.toSorted((a, b) => cooldownOf(a) - cooldownOf(b))[0] as string;
    const cooldownMs = Math.ceil(cooldownOf(first));
    const at = new Date(this.#context.deps.nowMs() + cooldownMs).toISOString();
    const pause = this.#availability.pauseOf(first);
    const why = pause ? `${first}: ${pause.reason}, until ${at}` : `${first} is cooling down until ${at}`;
    if (models.every((model) => this.#availability.pauseOf(model)?.isBudget)) return budgetUsedUp(why, cooldownMs);
    const isAll = others.length === 0;
    const message = isAll ? 'all eligible models are cooling down' : `no model is free: ${wayOf(others)}`;
    return {
      code: wire.FailureCode.OVERLOADED,
      message: `${message}; ${why}`,
      isRetryable: true,
      retryAfterMs: isAll ? cooldownMs : Math.min(cooldownMs, recheckAfterMs),
      noCall: { status: pause?.status ?? 'Busy', reason: why },
    };
  }

  #allFull(models: readonly string[]): TaskFailure {
    const { slots } = this.#context.deps;
    return {
      code: wire.FailureCode.OVERLOADED,
      message: `all slots of ${models.join(', ')} are taken`,
      isRetryable: true,
      retryAfterMs: Math.min(...models.map((model) => slots.retryAfterMs(model))),
      noCall: { status: 'Busy', reason: 'all slots are taken' },
    };
  }

  #callersFault(): TaskFailure | undefined {
    const code = callersFaultOf(this.#summaries);
    if (code === undefined) return undefined;
    const message = faultMessage(code, this.#summaries);
    return { code, message, noCall: { status: 'Invalid', reason: message } };
  }

  #allFailed(): TaskFailure | undefined {
    if (this.#summaries.every(({ status }) => status === 'NoWorker')) return undefined;
    return {
      code: wire.FailureCode.ALL_FAILED,
      message: `every attempt failed: ${wayOf(this.#summaries)}`,
      isRetryable: true,
      noCall: { status: 'Policy', reason: 'every worker refused or was silent' },
    };
  }

  #noWorker(): TaskFailure {
    const reason = 'no live worker serves a model that may do it';
    return {
      code: wire.FailureCode.NO_WORKER,
      message: `${reason}: ${wayOf(this.#summaries)}`,
      isRetryable: true,
      noCall: { status: 'NoWorker', reason },
    };
  }
}

/** To retry sooner is of no use: the error is told to be final, and when its period ends. */
const budgetUsedUp = (why: string, cooldownMs: number): TaskFailure => ({
  code: wire.FailureCode.BUDGET_EXHAUSTED,
  message: `the budget is used up: ${why}`,
  retryAfterMs: cooldownMs,
  noCall: { status: 'BudgetExhausted', reason: why },
});
