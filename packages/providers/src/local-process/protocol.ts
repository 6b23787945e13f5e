import type { FailureReason, FinishReason } from '@will/core';
import type { ContentDelta } from '../port.ts';

/** A message of a worker to the process that computes a model. Options and input are the model kind's own. */
export type ToChild =
  | { readonly kind: 'load'; readonly options: unknown }
  | { readonly kind: 'run'; readonly id: number; readonly input: unknown }
  | { readonly kind: 'abort'; readonly id: number };

/** And what comes back. */
export type FromChild =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'not_loaded'; readonly message: string }
  | { readonly kind: 'text'; readonly id: number; readonly text: string }
  | ({ readonly kind: 'end'; readonly id: number } & Computed)
  | ({ readonly kind: 'error'; readonly id: number } & NotComputed);

/** A computation that came to its end. */
export interface Computed {
  readonly finish: FinishReason;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the input, what had been computed before and was kept. */
  readonly cachedInputTokens?: number;
  /** Tokens are no measure of what it does. */
  readonly isEstimated?: boolean;
  /** The output where none was said as text. */
  readonly output?: ContentDelta;
}

/** The answer of a process that could not compute. */
export interface NotComputed {
  readonly reason: Extract<FailureReason, 'context_length' | 'crashed' | 'bad_request'>;
  /** For people; never anything of the input. */
  readonly detail?: string;
}
