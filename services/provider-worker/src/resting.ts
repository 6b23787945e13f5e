import { afterCall, afterFirstContent, closedBreaker, restsItsKey, type Model } from '@will/core';
import type { ProviderOutcome } from '@will/providers';
import type { Rests } from './ports.ts';

/** Of a call that ended. */
interface Learned {
  readonly isProbe: boolean;
  readonly isOnlyChoice: boolean;
  /** Default: now. */
  readonly startedAtMs?: number;
  /** It had content before its end. Default: no. */
  readonly wasHeard?: boolean;
}

export interface RestingDeps {
  readonly rests: Rests;
  readonly nowMs: () => number;
  /** From 0 to 1. */
  readonly draw: () => number;
  /** Other models that are called with the same key. */
  readonly sharers: () => readonly string[];
  /** The model may be called again, or may not any more. */
  readonly onChange: () => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** Why no call may start, and until when that will not change by itself. */
export interface Pause {
  readonly reason: string;
  readonly untilMs: number;
}

/** A prober that died is followed by another one after so long. */
const probeLeaseMs = 15_000;
/** While somebody else finds out whether the model is well, the others look again after so long. */
export const whileProbedMs = 250;

/** Whether one model rests, in this process's view, and what its calls say about that. */
export class Resting {
  readonly #deps: RestingDeps;
  readonly #model: () => Model;
  readonly #stopFollowing: () => void;
  #breaker = closedBreaker;
  #isProbing = false;
  #endTimer: NodeJS.Timeout | undefined;

  constructor(deps: RestingDeps, model: () => Model) {
    this.#deps = deps;
    this.#model = model;
    const { slug } = model();
    this.#stopFollowing = deps.rests.onChange((changed) => {
      if (changed === slug) this.#changed();
    });
    this.#untilItsEnd();
  }

  /** Undefined: calls may start, the first after a rest by {@link mayProbe}. */
  pause(): Pause | undefined {
    const rest = this.#deps.rests.restOf(this.#model().slug);
    return rest && rest.untilMs > this.#deps.nowMs() ? rest : undefined;
  }

  /** A rest is over, and nobody has yet seen the model work again. */
  get isUnproven(): boolean {
    return this.#deps.rests.restOf(this.#model().slug) !== undefined;
  }

  /** Of all calls after a rest one may go, as the probe; a pause for the others. Undefined: it is well already. */
  async mayProbe(): Promise<Pause | 'probe' | undefined> {
    const { rests, nowMs } = this.#deps;
    const { slug } = this.#model();
    if (!this.#isProbing && (await this.#takesProbe())) {
      this.#isProbing = true;
      return 'probe';
    }
    if (rests.restOf(slug) === undefined) return undefined;
    return this.pause() ?? { reason: 'another call finds out whether it is well', untilMs: nowMs() + whileProbedMs };
  }

  /** Where it cannot be asked for, as while the bus is away, it is not ours: the call waits like those of the others. */
  async #takesProbe(): Promise<boolean> {
    const { slug } = this.#model();
    try {
      return await this.#deps.rests.takeProbe(slug, probeLeaseMs);
    } catch (error) {
      this.#deps.onError(`the probe of model ${slug}`, error);
      return false;
    }
  }

  /** The probe told nothing: it did not come to the provider, or ended by its caller's or its own fault. */
  giveProbe(): void {
    if (!this.#isProbing) return;
    this.#isProbing = false;
    this.#told(this.#deps.rests.giveProbe(this.#model().slug));
  }

  /** A look found it well after one that did not: no longer rest than needed for one call to show it. */
  foundWell(): void {
    if (this.pause()) this.#told(this.#deps.rests.endEarly(this.#model().slug));
  }

  /** A call of it has content. */
  heard(startedAtMs: number): void {
    this.#breaker = afterFirstContent(this.#breaker, startedAtMs);
  }

  /** Takes a call's end into account: it may send the model to rest, or show that it is well. */
  learn(outcome: ProviderOutcome, { isProbe, isOnlyChoice, startedAtMs, wasHeard = false }: Learned): void {
    const { rests, nowMs, draw } = this.#deps;
    const { slug, document } = this.#model();
    const failure = outcome.ok ? undefined : outcome.failure;
    const standing = rests.restOf(slug)?.openings ?? 0;
    const seconds = document.limits?.cooldown_seconds;
    const { state, rest } = afterCall(
      this.#breaker,
      {
        failure,
        wasHeard,
        startedAtMs: startedAtMs ?? nowMs(),
        // What was under way when the rest began says nothing new.
        mayOpen: isProbe || (standing === 0 && !isOnlyChoice),
        spentForMs: outcome.ok ? outcome.spentForMs : undefined,
      },
      {
        cooldownMs: seconds === undefined ? undefined : seconds * 1_000,
        openings: isProbe ? standing : Math.max(0, standing - 1),
        nowMs: nowMs(),
        draw: draw(),
      },
    );
    this.#breaker = state;
    if (rest) {
      const together = failure && restsItsKey(failure) ? this.#deps.sharers() : [];
      for (const model of new Set([slug, ...together])) this.#told(rests.rest(model, rest));
    } else if (isProbe && outcome.ok) this.#told(rests.recover(slug));
    else if (isProbe) return this.giveProbe();
    if (isProbe) this.#isProbing = false;
  }

  /** A probe under way may still tell what it learns. */
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
    const leftMs = Math.min(pause.untilMs - this.#deps.nowMs(), longestTimerMs);
    this.#endTimer = setTimeout(() => this.#changed(), leftMs);
  }

  #told(written: Promise<void>): void {
    written.catch((error: unknown) => this.#deps.onError(`rest of model ${this.#model().slug}`, error));
  }
}

/** A timer that is set for longer fires at once. */
const longestTimerMs = 2 ** 31 - 1;
