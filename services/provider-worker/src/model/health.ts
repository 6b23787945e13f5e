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
/** A model that answered a call this recently needs no check. */
const provenForMs = 4_000;
/** So many checks in turn without an answer mean that it is gone. Fewer are those of a busy machine. */
const maxSilences = 3;

/**
 * Health of a model as this process knows it: by its calls first, and by a cheap health check where calls say nothing.
 * Local models are checked always, unless `auto_healthcheck` says no; a service's model only after a failure, where it says yes.
 */
export class ModelHealth {
  #lastSuccessMs = -Infinity;
  #isSuspect = false;
  #isUnhealthy = false;
  #wasHealthy = false;
  #silences = 0;

  /** Health checks say that it cannot be called. One that was healthy stays so through a silence. */
  get isUnhealthy(): boolean {
    return this.#isUnhealthy;
  }

  /** Takes a call's end into account. True: check it now rather than at the next scheduled time. */
  learn(outcome: ProviderOutcome, model: Model, nowMs: number): boolean {
    if (outcome.ok) {
      this.#lastSuccessMs = nowMs;
      this.#isSuspect = false;
      this.#wasHealthy = true;
      this.#silences = 0;
      return false;
    }
    if (!doubtful.has(outcome.failure.reason)) return false;
    this.#lastSuccessMs = -Infinity;
    this.#isSuspect = true;
    return mayBeChecked(model);
  }

  /** Whether a health check is due. `inFlight`: calls under way; these tell by themselves, and a small server answers one at a time. */
  wantsHealthCheck(model: Model, inFlight: number, nowMs: number): boolean {
    if (model.document.local?.auto_healthcheck === false) this.#isUnhealthy = false;
    if (!mayBeChecked(model)) return false;
    if (this.#isUnhealthy || this.#isSuspect) return true;
    return model.callMethod !== 'API' && inFlight === 0 && nowMs - this.#lastSuccessMs >= provenForMs;
  }

  /** Takes the result of a health check. */
  checked({ healthy, isSilent = false }: Health): void {
    this.#silences = isSilent ? this.#silences + 1 : 0;
    // Looked at again at the next check.
    this.#isSuspect = isSilent && this.#wasHealthy && this.#silences < maxSilences;
    if (this.#isSuspect) return;
    this.#isUnhealthy = !healthy;
    this.#wasHealthy = healthy;
  }
}

function mayBeChecked({ callMethod, document }: Model): boolean {
  const stated = document.local?.auto_healthcheck;
  return callMethod === 'API' ? stated === true : stated !== false;
}
