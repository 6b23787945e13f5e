import { BusError } from '@will/bus';
import type { CallStatus, Exclusion } from '@will/core';
import { create, wire } from '@will/contracts';

import { PolicyError } from '../ports.ts';
import type { Attempts } from './attempts.ts';
import type { Evidence } from './evidence.ts';
import type { TaskContext } from './task-context.ts';

/** The end of a task without an answer. */
export interface TaskFailure {
  readonly code: wire.FailureCode;
  readonly message: string;
  /** Default: false. */
  readonly isRetryable?: boolean;
  /** Default: 0, nothing is known. */
  readonly retryAfterMs?: number;
  readonly exclusions?: readonly Exclusion[];
  /** The record of a task for which no call was made. Absent: there was one. */
  readonly noCall?: { readonly status: CallStatus; readonly reason: string };
}

/** The one end of a task: the first that comes counts, and lets go of all that is under way. */
export class TaskOutcome {
  readonly #context: TaskContext;
  readonly #evidence: Evidence;
  readonly #attempts: Attempts;

  constructor(context: TaskContext, evidence: Evidence, attempts: Attempts) {
    this.#context = context;
    this.#evidence = evidence;
    this.#attempts = attempts;
  }

  /** The worker has told the caller the end of the answer. */
  answered(status: string): void {
    this.#over(status);
  }

  fail(failure: TaskFailure): void {
    if (!this.#context.isOver) {
      this.#context.toCaller({ case: 'failure', value: this.#toWire(failure) });
      this.#over(wire.FailureCode[failure.code] ?? 'INTERNAL');
    }
    if (failure.noCall) this.#context.records.noCall(failure.noCall.status, failure.noCall.reason);
  }

  /** Cancels what is under way, and fails. */
  endEarly(status: CallStatus, message: string, code: wire.FailureCode): void {
    if (this.#context.isOver) return;
    this.#attempts.endEarly(status, message);
    this.fail({ code, message, isRetryable: status === 'Deadline', noCall: { status, reason: message } });
  }

  /** Ends what no other end was told of. */
  close(): void {
    this.#over('INTERNAL');
  }

  #over(end: string): void {
    if (this.#context.isOver) return;
    this.#context.isOver = true;
    this.#context.acceptance?.stop();
    this.#context.stopWaits('over');
    this.#attempts.abandonAll();
    this.#context.observer.ended(end);
  }

  #toWire({ code, message, isRetryable, retryAfterMs, exclusions = [] }: TaskFailure): wire.Failure {
    return create(wire.FailureSchema, {
      code,
      message,
      retryable: isRetryable ?? false,
      retryAfterMs: retryAfterMs ?? 0,
      decisionId: this.#context.decided ? this.#context.decisionId : '',
      attempts: [...this.#evidence.summaries],
      exclusions: exclusions.slice(0, 200).map((exclusion) => ({ ...exclusion })),
    });
  }
}

/** The end of a task by a thrown error. */
export function failureOfError(error: unknown): TaskFailure {
  const noCall = { status: 'Policy', reason: 'no decision' } as const;
  if (error instanceof PolicyError)
    return {
      code: wire.FailureCode.UNAVAILABLE,
      message: `no decision: ${error.message}`,
      isRetryable: error.code === 'unavailable',
      noCall,
    };
  if (error instanceof BusError)
    return { code: wire.FailureCode.UNAVAILABLE, message: 'NATS is not connected', isRetryable: true, noCall };
  return { code: wire.FailureCode.INTERNAL, message: `the router failed: ${(error as Error).message}`, noCall };
}
