import type { FinishReason } from '@will/core';

/** What the process that computes is started with. */
export interface LoadOptions {
  readonly path: string;
  readonly threads: number;
  readonly sequences: number;
  /** Of each sequence. */
  readonly contextTokens: number;
  /** 'auto' uses a GPU whose build is installed. */
  readonly gpu: 'auto' | false;
}

export type ToChild =
  | { readonly kind: 'load'; readonly options: LoadOptions }
  | { readonly kind: 'run'; readonly id: number; readonly input: ChatRequest }
  | { readonly kind: 'abort'; readonly id: number };

export type FromChild =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'not_loaded'; readonly message: string }
  | { readonly kind: 'text'; readonly id: number; readonly text: string }
  | {
      readonly kind: 'end';
      readonly id: number;
      readonly finish: FinishReason | 'abort';
      readonly inputTokens: number;
      readonly outputTokens: number;
    }
  | { readonly kind: 'error'; readonly id: number; readonly reason: 'context_length' | 'crashed' };

/** A chat as the process computes it: read and checked on the other side. */
export interface ChatRequest {
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly text: string }[];
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
  /** A schema the answer must follow, `true` for any JSON. */
  readonly json: object | true | undefined;
}
