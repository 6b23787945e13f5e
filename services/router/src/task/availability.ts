import type { CallStatus } from '@will/core';
import type { AttemptEnd } from './attempt-end.ts';
import type { Evidence } from './evidence.ts';
import type { TaskContext } from './task-context.ts';

/** A worker's word that a model cannot be called until a time: a limit is reached, or it is degraded. */
export interface ModelPause {
  readonly reason: string;
  readonly status: CallStatus;
  readonly untilMs: number;
  readonly isBudget: boolean;
}

const noPauses: ReadonlyMap<string, ModelPause> = new Map();

/** Tells which models can be called now, by cooldowns, live workers and what workers said to this task. */
export class Availability {
  readonly #context: TaskContext;
  readonly #evidence: Evidence;
  #pauses: ReadonlyMap<string, ModelPause> = noPauses;

  constructor(context: TaskContext, evidence: Evidence) {
    this.#context = context;
    this.#evidence = evidence;
  }

  /** Remaining cooldown or time until its limit opens; 0: none. */
  cooldownMs(model: string): number {
    const untilMs = Math.max(this.#cooldownUntilMs(model), this.#pauses.get(model)?.untilMs ?? 0);
    return Math.max(0, untilMs - this.#context.deps.nowMs());
  }

  /** The worker's word, unless it is over and a longer cooldown has begun. */
  pauseOf(model: string): ModelPause | undefined {
    const pause = this.#pauses.get(model);
    return pause && pause.untilMs >= this.#cooldownUntilMs(model) ? pause : undefined;
  }

  /** Neither cooling down nor full. */
  isFree(model: string): boolean {
    return this.cooldownMs(model) === 0 && this.#context.deps.slots.mayTryFirst(model, this.#context.claim);
  }

  whyUnserved(model: string): string {
    return this.#context.deps.workers.unserved().get(model) ?? 'no live worker serves it';
  }

  /**
   * Nobody serves it now, and a worker is started for it on demand: being waited for is that demand. Tasks that can wait
   * are put off instead, so that they hold no place.
   */
  isAwaited(model: string): boolean {
    const { decisions, workers } = this.#context.deps;
    return this.#context.claim.priority !== 'background' && decisions.isScalable(model) && !workers.isServed(model);
  }

  /** Not full but out of its limit, degraded or cooling down: it is not asked again before the worker's word ends. */
  paused(
    model: string,
    { reason, untilUnixMs, isReserved, isLimit, isBudget }: Extract<AttemptEnd, { kind: 'busy' }>,
  ): void {
    const { deps, task } = this.#context;
    if (isReserved) deps.slots.kept(model, task.facts.client);
    if (untilUnixMs <= deps.nowMs()) return;
    const isCoolingDown = deps.cooldowns.untilMs.has(model);
    const status = isLimit ? 'RateLimited' : 'Busy';
    if (!isCoolingDown && !this.#pauses.has(model)) this.#evidence.skip(model, reason, status);
    this.#pauses = new Map(this.#pauses).set(model, { reason, status, untilMs: untilUnixMs, isBudget });
  }

  #cooldownUntilMs(model: string): number {
    return this.#context.deps.cooldowns.untilMs.get(model) ?? 0;
  }
}
