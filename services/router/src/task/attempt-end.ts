import { outcomeOf, type CallStatus } from '@will/core';
import { create, wire } from '@will/contracts';

/**
 * The end of an attempt, as far as the router has a say. 'answered': the caller has its end from the worker.
 * 'lost_with_content': the worker owned the stream, and died. The others left the caller without content.
 */
export type AttemptEnd =
  | { readonly kind: 'answered'; readonly summary: wire.AttemptSummary }
  | { readonly kind: 'lost_with_content'; readonly summary: wire.AttemptSummary }
  | {
      readonly kind: 'failed';
      readonly summary: wire.AttemptSummary;
      readonly isRetryable: boolean;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'lost'; readonly summary: wire.AttemptSummary }
  /** No worker took it in time, however often it was sent. */
  | { readonly kind: 'undelivered'; readonly summary: wire.AttemptSummary }
  | {
      readonly kind: 'busy';
      readonly reason: string;
      readonly untilUnixMs: number;
      readonly isReserved: boolean;
      readonly isLimit: boolean;
      readonly isBudget: boolean;
    }
  | { readonly kind: 'nobody' }
  /** The task was over first. */
  | { readonly kind: 'abandoned' };

/** What a summary says of an attempt. */
interface AttemptFacts {
  readonly id: string;
  readonly number: number;
  readonly model: string;
  readonly ageMs: number;
  readonly hasContent: boolean;
  readonly worker: { readonly id: string };
}

/** The summary of an attempt whose worker gives none. */
export const summaryOf = (attempt: AttemptFacts, status: CallStatus, reason: string): wire.AttemptSummary =>
  create(wire.AttemptSummarySchema, {
    number: attempt.number,
    attemptId: attempt.id,
    model: attempt.model,
    outcome: outcomeOf(status),
    status,
    reason,
    durationMs: Math.max(0, Math.round(attempt.ageMs)),
  });

/** The worker takes no call now. */
export const busyEnd = ({ reason, untilUnixMs, isReserved, isLimit, isBudget }: wire.CallBusy): AttemptEnd => ({
  kind: 'busy',
  reason,
  untilUnixMs: Number(untilUnixMs),
  isReserved,
  isLimit,
  isBudget,
});

/** A rule on data that the worker checks excludes its model. */
export function refusedEnd({ rule, detail, retryable }: wire.CallRefused, attempt: AttemptFacts): AttemptEnd {
  const summary = { ...summaryOf(attempt, 'Policy', `${rule}: ${detail}`), cause: rule };
  return { kind: 'failed', summary, isRetryable: retryable, retryAfterMs: 0 };
}

/** The worker says how its call ended. */
export function workersEnd(ended: wire.CallEnded, attempt: AttemptFacts): AttemptEnd {
  const { hadContent, retryable, retryAfterMs } = ended;
  const summary = ended.attempt ?? summaryOf(attempt, 'Unknown', 'the worker gave no summary');
  return hadContent ? { kind: 'answered', summary } : { kind: 'failed', summary, isRetryable: retryable, retryAfterMs };
}

/** The worker is gone, or no longer has the call. */
export function lostEnd(attempt: AttemptFacts): AttemptEnd {
  const summary = summaryOf(attempt, 'WorkerLost', `worker ${attempt.worker.id} died, or lost the call`);
  return { kind: attempt.hasContent ? 'lost_with_content' : 'lost', summary };
}
