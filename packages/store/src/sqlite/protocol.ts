import type { StoreErrorCode } from '../errors.ts';

/** A kind of store, as the thread and the process name it to each other. */

export type StoreKind = 'documents' | 'calls' | 'tasks';

/** Settings of a store's thread. */
export interface ThreadSettings {
  readonly kind: StoreKind;
  readonly path: string;
}

/** An operation that the thread is asked for. */
export interface Request {
  readonly id: number;
  readonly operation: string;
  readonly args: readonly unknown[];
}

/** A message to the thread. */
export type ToThread =
  /** Done in one transaction, each request for itself: one that fails undoes only its own writes. */
  { readonly kind: 'requests'; readonly requests: readonly Request[] } | { readonly kind: 'close' };

/** A failure as it crosses threads. */
export interface Failure {
  readonly code: StoreErrorCode;
  readonly message: string;
}

/** The answer to an operation. */
export type StoreAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly failure: Failure };

/** A message of the thread. */
export type FromThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'not_opened'; readonly failure: Failure }
  /** Sent after the commit: what is answered is stored. */
  | { readonly kind: 'answers'; readonly answers: readonly StoreAnswer[] };

/** A port as the thread does it: synchronous, without what belongs to the handle. */
export type Synchronous<Port> = {
  [K in Exclude<keyof Port, 'close'> as Port[K] extends (...args: never[]) => Promise<unknown>
    ? K
    : never]: Port[K] extends (...args: infer Args) => Promise<infer Result> ? (...args: Args) => Result : never;
};
