import type { FailureReason, Model } from '@will/core';
import type { Health, ProviderOutcome } from '@will/providers';

/** Failures that may mean that nothing answers there any more. A wrong key, a limit or a bad input means that something does. */
const doubtful: ReadonlySet<FailureReason> = new Set<FailureReason>([
  'connection',
  'crashed',
  'server_error',
  'overloaded',
  'bad_response',
  'truncated',
  'first_token_timeout',
  'stalled',
]);
/** Whoever answered a call this short a while ago need not be asked. */
const provenForMs = 4_000;

/**
 * Whether a model is well, as far as this process knows: by its calls first, and by a cheap look where calls say nothing.
 * Models on this side of the wire are looked at always, unless `auto_healthcheck` says no; a service's only after a failure, where it says yes.
 */
export class ModelHealth {
  #lastSuccessMs = -Infinity;
  #isDoubted = false;
  #isUnwell = false;

  /** A look found it unwell, and none since then found it well. */
  get isUnwell(): boolean {
    return this.#isUnwell;
  }

  /** Takes a call's end into account. True: it should be looked at now rather than at the next time. */
  learn(outcome: ProviderOutcome, model: Model, nowMs: number): boolean {
    if (outcome.ok) {
      this.#lastSuccessMs = nowMs;
      this.#isDoubted = false;
      return false;
    }
    if (!doubtful.has(outcome.failure.reason)) return false;
    this.#lastSuccessMs = -Infinity;
    this.#isDoubted = true;
    return mayBeLookedAt(model);
  }

  /** Whether a look at it is wanted. `inFlight`: calls under way; these tell by themselves, and a small server answers one at a time. */
  wantsLook(model: Model, inFlight: number, nowMs: number): boolean {
    if (model.document.local?.auto_healthcheck === false) this.#isUnwell = false;
    if (!mayBeLookedAt(model)) return false;
    if (this.#isUnwell || this.#isDoubted) return true;
    return model.callMethod !== 'API' && inFlight === 0 && nowMs - this.#lastSuccessMs >= provenForMs;
  }

  /** Takes a look's result. */
  looked({ healthy }: Health): void {
    this.#isUnwell = !healthy;
    this.#isDoubted = false;
  }
}

function mayBeLookedAt({ callMethod, document }: Model): boolean {
  const stated = document.local?.auto_healthcheck;
  return callMethod === 'API' ? stated === true : stated !== false;
}
