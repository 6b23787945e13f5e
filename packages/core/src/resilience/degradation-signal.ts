interface Unheard {
  readonly sentAtMs: number;
  /** Without content by then it is silent; undefined: nothing is known of that. */
  readonly slowAtMs: number | undefined;
}

/** Failures without a first content in between, from which on only one call at a time may try the model. */
const maxFailures = 1;
/** Silence is longer than this part of what a first content may take. */
const partOfTimeout = 0.25;

/**
 * Reads from calls under way how one model does, before any of them has ended: a model that falls silent or begins to
 * fail is not sent all that comes until the first of them ended. It only says where a call had better go elsewhere;
 * where there is no elsewhere nobody asks.
 */
export class DegradationSignal {
  readonly #unheard = new Map<string, Unheard>();
  /** The latest instant at which a call was sent that had content since. */
  #heardSentAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** When the last call that failed was sent. */
  #failedSentAtMs = Number.NEGATIVE_INFINITY;

  /** @param timeoutMs what its first content may take; 0: nothing is known of that. */
  sent(attemptId: string, nowMs: number, timeoutMs: number): void {
    const slowAtMs = timeoutMs > 0 ? nowMs + partOfTimeout * timeoutMs : undefined;
    this.#unheard.set(attemptId, { sentAtMs: nowMs, slowAtMs });
  }

  /**
   * First content, of any call: the model lived when that call was sent. Of calls that were sent later it tells nothing, nor of
   * a failure of such a call.
   */
  heard(attemptId: string, nowMs: number): void {
    const sentAtMs = this.#unheard.get(attemptId)?.sentAtMs ?? nowMs;
    this.#unheard.delete(attemptId);
    this.#heardSentAtMs = Math.max(this.#heardSentAtMs, sentAtMs);
    if (sentAtMs >= this.#failedSentAtMs) this.#failures = 0;
  }

  /** @param failed by the model's own fault. */
  ended(attemptId: string, failed: boolean): void {
    const sentAtMs = this.#unheard.get(attemptId)?.sentAtMs;
    this.#unheard.delete(attemptId);
    if (!failed) return;
    this.#failures += 1;
    this.#failedSentAtMs = Math.max(this.#failedSentAtMs, sentAtMs ?? this.#failedSentAtMs);
  }

  /** Why another call should go elsewhere now; undefined: not degraded. */
  reason(nowMs: number): string | undefined {
    if (this.#failures >= maxFailures && this.#unheard.size > 0)
      return 'degraded: its last call failed, and another call tries it now';
    for (const { sentAtMs, slowAtMs } of this.#unheard.values()) {
      if (sentAtMs <= this.#heardSentAtMs) continue;
      if (slowAtMs !== undefined && slowAtMs < nowMs)
        return `degraded: no first token for ${Math.round(nowMs - sentAtMs)} ms, longer than usual`;
      if (slowAtMs !== undefined) return undefined;
    }
    return undefined;
  }
}
