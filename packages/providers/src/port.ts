import { spentForMs, type FinishReason, type Model, type ProviderFailure, type Usage } from '@will/core';

/** One call of one model. The input is bytes as the caller sent them; a provider parses what it must change. */
export interface ModelCall {
  /** `chat`: JSON {messages, temperature, tools, response_format, …} in the OpenAI form, without model and stream. Others: see the contract's task kinds. */
  readonly inputKind: string;
  readonly input: Uint8Array;
  /** A large field of the input, as bytes beside it: only where the connection takes it so. */
  readonly attachment?: { readonly field: string; readonly content: Uint8Array };
  /** Content is wanted as it is made. */
  readonly stream: boolean;
  readonly maxOutputTokens: number | undefined;
  /** How long the first content may take. */
  readonly firstContentTimeoutMs: number;
  /** How long a silence inside a stream may last. */
  readonly idleTimeoutMs: number;
  /** Asked as the request's first byte is about to leave. False: nothing may leave, and the call fails at once. */
  readonly mayLeave?: () => boolean;
  /** Slug of the client that asks. */
  readonly client?: string;
  /** Digest of the conversation that the call continues; absent: none is known. */
  readonly session?: string;
}

/** Some content. `toolCalls` is a JSON array in the OpenAI form. */
export interface ContentDelta {
  readonly text?: string;
  /** Words by which the model refuses; they are not among the text. */
  readonly refusal?: string;
  readonly reasoning?: string;
  readonly toolCalls?: string;
  /** Output that is no text, and its media type. */
  readonly data?: Uint8Array;
  readonly dataType?: string;
}

/** The outcome of one call at a provider. */
export type ProviderOutcome =
  | {
      readonly ok: true;
      readonly finish: FinishReason;
      readonly usage: Usage;
      /** The whole output, when nothing went through `onDelta`; else undefined. */
      readonly output: ContentDelta | undefined;
      /** What the provider's answer says that served it, as far as that is a plain name. Absent: it does not say. */
      readonly servedVersion?: string;
      /** The provider said that this call used up one of its limits, and for how long. */
      readonly spentForMs?: number;
    }
  | {
      readonly ok: false;
      readonly failure: ProviderFailure;
      /** What was consumed before it failed, where known. */
      readonly usage: Usage | undefined;
    };

/** The result of a health check. */
export interface Health {
  readonly healthy: boolean;
  /** True: no answer came in time, which on a busy machine says nothing of the model. */
  readonly isSilent?: boolean;
  /** For operators; never a key. */
  readonly detail: string;
}

/** One model, ready to be called. Safe for concurrent calls. */
export interface ModelConnection {
  /** How many calls run at once without queueing here; undefined: as many as the document allows. */
  readonly naturalConcurrency: number | undefined;
  /** True: a large field may come as `attachment`. Else it stands in the input in base64, up to 16 MiB. */
  readonly takesAttachments?: boolean;
  /**
   * Runs one call. Every expected end is a value, also failures, abort and deadline; a throw is a bug of the provider.
   * `onDelta` is called in order, never after the promise settled. Aborting `signal` ends the call within 100 ms:
   * reason 'cancelled', 'deadline' or 'revoked' (see {@link abortReasons}) tells which failure it becomes.
   * @param read the input as JSON, where it was read already: it need not be read once more, and is not changed.
   */
  run(
    call: ModelCall,
    onDelta: (delta: ContentDelta) => void,
    signal: AbortSignal,
    read?: unknown,
  ): Promise<ProviderOutcome>;
  /** Cheap look whether calls would work. Never throws. */
  checkHealth(signal: AbortSignal): Promise<Health>;
  close(): Promise<void>;
}

/** `signal.reason` of an aborted call. */
export const abortReasons = { cancelled: 'cancelled', deadline: 'deadline', revoked: 'revoked' } as const;

/** A provider: opens connections to its models. */
export interface Provider {
  /** The name that documents use: `openai-compatible`, `anthropic`, `google`, `gguf`. */
  readonly name: string;
  /** @throws {ProviderConfigError} the document cannot be served by this machine; the message says why, without the key. */
  open(model: Model): Promise<ModelConnection>;
}

/** A model cannot be opened here: a missing key, file, or field. */
export class ProviderConfigError extends Error {
  override readonly name = 'ProviderConfigError';
}

const nothingSpent = {};

/** The provider's limits, as the headers of a successful answer state them. */
export function spentIn(headers: Readonly<Record<string, string>> | undefined): { readonly spentForMs?: number } {
  const ms = headers && spentForMs({ headers, nowMs: Date.now() });
  return ms === undefined ? nothingSpent : { spentForMs: ms };
}

/** True of an HTTP status that says that the answer is one. */
export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** The reason why a call ended whose signal was aborted. */
export const abortedBy = ({ reason }: AbortSignal): 'deadline' | 'cancelled' | 'revoked' =>
  reason === abortReasons.deadline || reason === abortReasons.revoked ? reason : 'cancelled';

/** Builds the failure outcome. */
export const failed = (failure: ProviderFailure, usage?: Usage): ProviderOutcome => ({ ok: false, failure, usage });
