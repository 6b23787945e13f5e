import { contained } from '@will/runtime';
import { create, wire } from '@will/contracts';
import type { IncomingCall } from '../ports.ts';
import type { StartWindow } from './start-window.ts';

/** Commands of a router or a caller for a call that is here. */
export interface Commanded {
  readonly client: string;
  readonly taskId: string;
  readonly attemptId: string;
  /** The caller wants no more of it. */
  cancel(): void;
  /** Another attempt is to answer. */
  revoke(): void;
  /** No other attempt may answer any more. */
  commit(): void;
  /** It is still wanted, and may start until an instant of the bus clock. */
  start(untilMs: number): void;
  /** Tells the router once more that it is here: the first word may have been lost. */
  sayAgain(): void;
}

/** A router takes silence for a call that did not arrive. */
const saysSoAfterMs = 30;
/** Longer than a counter is waited for that telemetry opens. */
const nextWordWithinMs = 3_000;

/**
 * A call that arrived and is not taken yet: room in its limits, or a newer snapshot, is waited for. Where that takes a
 * while the router hears that it is here, and may take it back before anything is sent to a provider.
 */
export class PendingCall implements Commanded {
  readonly client: string;
  readonly taskId: string;
  readonly attemptId: string;
  isTakenBack = false;
  readonly #timer: NodeJS.Timeout;
  readonly #window: StartWindow;
  readonly #call: IncomingCall;

  constructor(call: IncomingCall, window: StartWindow) {
    this.#call = call;
    this.#window = window;
    this.client = call.request.facts?.client ?? '';
    this.taskId = call.request.taskId;
    this.attemptId = call.request.attemptId;
    this.#timer = setTimeout(
      contained(() => this.sayAgain()),
      saysSoAfterMs,
    );
  }

  cancel(): void {
    this.isTakenBack = true;
    this.#window.withdraw();
  }

  revoke(): void {
    this.cancel();
  }

  commit(): void {}

  start(untilMs: number): void {
    this.#window.renew(untilMs);
  }

  sayAgain(): void {
    const value = create(wire.CallWaitsSchema, { withinMs: nextWordWithinMs });
    this.#call.toRouter({ case: 'waits', value });
  }

  /** It is taken, or refused. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
