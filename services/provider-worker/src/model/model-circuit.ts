import { contained } from '@will/runtime';
import { afterCall, afterFirstContent, closedBreaker, coolsDownItsKey, type Model } from '@will/core';
import type { ProviderOutcome } from '@will/providers';
import type { CooldownStore } from '../ports.ts';

/** Of a call that ended. */
interface Learned {
  readonly isTrial: boolean;
  readonly isOnlyChoice: boolean;
  /** Default: now. */
  readonly startedAtMs?: number;
  /** It had content before its end. Default: no. */
  readonly wasHeard?: boolean;
}

export interface ModelCircuitDeps {
  readonly cooldowns: CooldownStore;
  readonly nowMs: () => number;
  /** From 0 to 1. */
  readonly draw: () => number;
  /** Other models that are called with the same key. */
  readonly sharers: () => readonly string[];
  /** The model may be called again, or may not any more. */
  readonly onChange: () => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** The reason why no call may start, and until when that will not change by itself. */
export interface Pause {
  readonly reason: string;
  readonly untilMs: number;
}

/** After so long another process may make the trial call of one that died. */
const trialLeaseMs = 15_000;
/** While a trial call is under way, the others check again after so long. */
export const trialRetryMs = 250;

/** Circuit of one model in this process's view: its cooldown, trial call and what its calls say. */
export class ModelCircuit {
  readonly #deps: ModelCircuitDeps;
  readonly #model: () => Model;
  readonly #stopFollowing: () => void;
  #breaker = closedBreaker;
  #holdsTrial = false;
  #endTimer: NodeJS.Timeout | undefined;

  constructor(deps: ModelCircuitDeps, model: () => Model) {
    this.#deps = deps;
    this.#model = model;
    const { slug } = model();
    this.#stopFollowing = deps.cooldowns.onChange((changed) => {
      if (changed === slug) this.#changed();
    });
    this.#untilItsEnd();
  }

  /** Undefined: calls may start, the first after a cooldown by {@link requestTrial}. */
  pause(): Pause | undefined {
    const cooldown = this.#deps.cooldowns.cooldownOf(this.#model().slug);
    return cooldown && cooldown.untilMs > this.#deps.nowMs() ? cooldown : undefined;
  }

  /** The circuit is half-open: the cooldown is over, and no call has succeeded since. */
  get isUnproven(): boolean {
    return this.#deps.cooldowns.cooldownOf(this.#model().slug) !== undefined;
  }

  /** After a cooldown one call may start, as the trial call; a pause for the others. Undefined: the circuit is closed already. */
  async requestTrial(): Promise<Pause | 'trial' | undefined> {
    const { cooldowns, nowMs } = this.#deps;
    const { slug } = this.#model();
    if (!this.#holdsTrial && (await this.#acquiresTrial())) {
      this.#holdsTrial = true;
      return 'trial';
    }
    if (cooldowns.cooldownOf(slug) === undefined) return undefined;
    return (
      this.pause() ?? { reason: 'the trial call after its cooldown is under way', untilMs: nowMs() + trialRetryMs }
    );
  }

  /** Where it cannot be asked for, as while NATS is not connected, it is not ours: the call waits like those of the others. */
  async #acquiresTrial(): Promise<boolean> {
    const { slug } = this.#model();
    try {
      return await this.#deps.cooldowns.acquireTrial(slug, trialLeaseMs);
    } catch (error) {
      this.#deps.onError(`the trial call of model ${slug}`, error);
      return false;
    }
  }

  /** The trial call told nothing: it did not reach the provider, or ended by its caller's or its own fault. */
  releaseTrial(): void {
    if (!this.#holdsTrial) return;
    this.#holdsTrial = false;
    this.#told(this.#deps.cooldowns.releaseTrial(this.#model().slug));
  }

  /** A health check succeeded after one that failed: ends the cooldown so that a trial call may start. */
  foundHealthy(): void {
    if (this.pause()) this.#told(this.#deps.cooldowns.endEarly(this.#model().slug));
  }

  /** A call of it has content. */
  heard(startedAtMs: number): void {
    this.#breaker = afterFirstContent(this.#breaker, startedAtMs);
  }

  /** Takes a call's end into account: it may start a cooldown or close the circuit. */
  learn(outcome: ProviderOutcome, { isTrial, isOnlyChoice, startedAtMs, wasHeard = false }: Learned): void {
    const { cooldowns, nowMs, draw } = this.#deps;
    const { slug, document } = this.#model();
    const failure = outcome.ok ? undefined : outcome.failure;
    const standing = cooldowns.cooldownOf(slug)?.timesOpened ?? 0;
    const seconds = document.limits?.cooldown_seconds;
    const { state, cooldown } = afterCall(
      this.#breaker,
      {
        failure,
        wasHeard,
        startedAtMs: startedAtMs ?? nowMs(),
        // What was under way when the cooldown began says nothing new.
        mayOpen: isTrial || (standing === 0 && !isOnlyChoice),
        spentForMs: outcome.ok ? outcome.spentForMs : undefined,
      },
      {
        cooldownMs: seconds === undefined ? undefined : seconds * 1_000,
        timesOpened: isTrial ? standing : Math.max(0, standing - 1),
        nowMs: nowMs(),
        draw: draw(),
      },
    );
    this.#breaker = state;
    if (cooldown) {
      const together = failure && coolsDownItsKey(failure) ? this.#deps.sharers() : [];
      for (const model of new Set([slug, ...together])) this.#told(cooldowns.coolDown(model, cooldown));
    } else if (isTrial && outcome.ok) this.#told(cooldowns.recover(slug));
    else if (isTrial) return this.releaseTrial();
    if (isTrial) this.#holdsTrial = false;
  }

  /** A trial call under way may still report its result. */
  close(): void {
    clearTimeout(this.#endTimer);
    this.#stopFollowing();
  }

  #changed(): void {
    this.#untilItsEnd();
    this.#deps.onChange();
  }

  #untilItsEnd(): void {
    clearTimeout(this.#endTimer);
    const pause = this.pause();
    if (!pause) return;
    const leftMs = Math.min(pause.untilMs - this.#deps.nowMs(), maxTimerMs);
    this.#endTimer = setTimeout(
      contained(() => this.#changed()),
      leftMs,
    );
  }

  #told(written: Promise<void>): void {
    written.catch((error: unknown) => this.#deps.onError(`cooldown of model ${this.#model().slug}`, error));
  }
}

/** A timer that is set for longer fires at once. */
const maxTimerMs = 2 ** 31 - 1;
