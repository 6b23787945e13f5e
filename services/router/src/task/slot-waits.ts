import { queueTimeoutMs, startTimeoutMs } from '@will/core';
import { contained } from '@will/runtime';
import type { Availability } from './availability.ts';
import type { SlotQueues, Wait } from './slots.ts';
import type { TaskContext } from './task-context.ts';

type Turn = ReturnType<SlotQueues['wait']>;

/** One task's waits for models that are full, cooling down or being started. */
export class SlotWaits {
  readonly #context: TaskContext;
  readonly #availability: Availability;
  /** Models in whose queue its turn came. */
  #hadItsTurnAt: readonly string[] = [];
  /** Until when a worker that is started is waited for. */
  #awaitedUntilMs: number | undefined;

  constructor(context: TaskContext, availability: Availability) {
    this.#context = context;
    this.#availability = availability;
  }

  /** A task that comes while others wait for the model queues behind them. */
  inTurn(model: string, timeoutMs: number): Turn {
    return this.#noted(model, this.#context.deps.slots.comeInTurn(model, this.#wait(model, timeoutMs)));
  }

  forSlot(model: string, timeoutMs: number, signal = this.#context.stopSignal): Turn {
    return this.#noted(model, this.#context.deps.slots.wait(model, this.#wait(model, timeoutMs, signal)));
  }

  /** The first of some full models that has a slot again; undefined: none before the deadline. */
  async firstFree(models: readonly string[]): Promise<string | undefined> {
    const leftMs = Math.min(this.#context.leftMs, this.#maxWaitMs(models));
    if (leftMs <= 0) return undefined;
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#context.stopSignal, lost.signal]);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const waits = models.map(async (model) => {
      if ((await this.#turn(model, leftMs, signal)) === 'try') resolve(model);
    });
    void Promise.all(waits).then(() => resolve(undefined));
    const model = await promise;
    lost.abort('another model is free');
    return model;
  }

  #wait(model: string, timeoutMs: number, signal = this.#context.stopSignal): Wait {
    const { deps, leftMs, claim } = this.#context;
    // A slot that comes too late for the call to end in time would be wasted.
    const usableMs = leftMs - deps.slots.defaultCallMs(model);
    return {
      priority: claim.priority,
      client: claim.client,
      timeoutMs: Math.max(0, Math.min(timeoutMs, usableMs, this.#maxWaitMs([model]))),
      signal,
      isAgain: this.#hadItsTurnAt.includes(model),
    };
  }

  async #noted(model: string, answer: Turn): Turn {
    const told = await answer;
    if (told === 'try' && !this.#hadItsTurnAt.includes(model)) this.#hadItsTurnAt = [...this.#hadItsTurnAt, model];
    return told;
  }

  /** Slots of a model that is served come soon or not at all; a worker that is started takes its time, counted from the first wait. */
  #maxWaitMs(models: readonly string[]): number {
    if (!models.some((model) => this.#availability.isAwaited(model))) return queueTimeoutMs;
    const { nowMs } = this.#context.deps;
    this.#awaitedUntilMs ??= nowMs() + startTimeoutMs;
    return Math.max(0, this.#awaitedUntilMs - nowMs());
  }

  /** Resolves 'try' when it is this task's turn at a model that is full or cooling down. */
  async #turn(model: string, leftMs: number, signal: AbortSignal): Turn {
    const wasCoolingDown = this.#availability.cooldownMs(model) > 0;
    if (wasCoolingDown && !(await this.#whenNotCoolingDown(model, leftMs, signal))) return 'timeout';
    const turn = this.forSlot(model, leftMs, signal);
    // No message says that a cooldown is over: each process that waited for it lets the next task in its queue go, once all of them are queued.
    if (wasCoolingDown) setImmediate(contained(() => this.#context.deps.slots.free(model, 1)));
    return turn;
  }

  /** Resolves true when the model's cooldown is over, false at once where that will not be in time. */
  async #whenNotCoolingDown(model: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const { nowMs } = this.#context.deps;
    const untilMs = nowMs() + timeoutMs;
    for (;;) {
      const cooldownMs = this.#availability.cooldownMs(model);
      if (cooldownMs === 0) return true;
      if (signal.aborted || nowMs() + cooldownMs > untilMs) return false;
      await this.#cooldownEndsOrChanges(model, cooldownMs, signal);
    }
  }

  #cooldownEndsOrChanges(model: string, cooldownMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    const timer = setTimeout(contained(done), cooldownMs + 1);
    const stop = this.#context.deps.cooldowns.onChange((changed) => changed === model && resolve());
    signal.addEventListener('abort', done, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', done);
    });
  }
}
