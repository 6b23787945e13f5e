/** Result of an attempt as the specification names it. */
export type Outcome = 'Success' | 'Timeout' | 'Blocked';

/** The detailed status beside it. */
export type CallStatus =
  | 'Success'
  | 'Deadline'
  | 'Stalled'
  | 'Overloaded'
  | 'ProviderError'
  | 'Truncated'
  | 'WorkerLost'
  | 'Unknown'
  | 'RateLimited'
  | 'BudgetExhausted'
  | 'AuthError'
  | 'Invalid'
  | 'ContentFilter'
  | 'Cancelled'
  | 'Policy'
  | 'Busy'
  | 'NoWorker';

/** The reason why a provider call failed, below the status. */
export type FailureReason =
  | 'rate_limit'
  | 'quota'
  | 'context_length'
  | 'content_filter'
  | 'bad_key'
  | 'missing_key'
  | 'bad_request'
  | 'invalid_value'
  | 'not_found'
  | 'server_error'
  | 'overloaded'
  | 'connection'
  | 'bad_response'
  | 'truncated'
  | 'first_token_timeout'
  | 'stalled'
  | 'deadline'
  | 'cancelled'
  | 'revoked'
  | 'crashed'
  | 'does_not_fit';

/** A failed provider call, classified once. An expected result, hence a value and not an exception. */
export interface ProviderFailure {
  readonly status: CallStatus;
  readonly reason: FailureReason;
  /** For operators; from a fixed table, never the provider's text, a prompt or a key. */
  readonly message: string;
  /** HTTP status where there was one. */
  readonly httpStatus: number | undefined;
  /** The provider's own code: at most 64 of `A-Z a-z 0-9 _ . -`. Absent: it gave none. */
  readonly vendorCode?: string;
  /** The field of the request that the provider names, in its own words; of the same form. */
  readonly param?: string;
  /** Another model may well succeed. */
  readonly isRetryable: boolean;
  /** How long the provider asked to be left alone. */
  readonly retryAfterMs: number | undefined;
}

/** The reason why an answer ended; `unknown`: the provider did not say, or in a word that nobody knows. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'unknown';

/** Tokens of one call, as its provider counted them or as they were estimated. */
export interface Usage {
  /** Includes tokens that were cached, written to a cache, of audio and of images. */
  readonly inputTokens: number;
  /** Includes tokens of reasoning, audio and images. */
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  /** Absent, here and below: none. */
  readonly cacheWriteTokens?: number;
  /** Part of `cacheWriteTokens`: what was written for an hour. */
  readonly cacheWrite1hTokens?: number;
  readonly audioInputTokens?: number;
  readonly audioOutputTokens?: number;
  readonly imageInputTokens?: number;
  readonly imageOutputTokens?: number;
  /** Images that came out. */
  readonly images?: number;
  /** Counted by us, since the provider gave no figures. */
  readonly estimated: boolean;
}

/**
 * `Timeout`: the call was under way, and its answer did not come, or not whole. `Blocked`: it was refused or it failed: by a
 * rule, a limit, the provider or the caller. `docs/reference/outcomes.md` says each in a row.
 */
const coarse: Record<CallStatus, Outcome> = {
  Success: 'Success',
  Deadline: 'Timeout',
  Stalled: 'Timeout',
  Truncated: 'Timeout',
  WorkerLost: 'Timeout',
  Unknown: 'Timeout',
  Overloaded: 'Blocked',
  ProviderError: 'Blocked',
  RateLimited: 'Blocked',
  BudgetExhausted: 'Blocked',
  AuthError: 'Blocked',
  Invalid: 'Blocked',
  ContentFilter: 'Blocked',
  Cancelled: 'Blocked',
  Policy: 'Blocked',
  Busy: 'Blocked',
  NoWorker: 'Blocked',
};

/** Every status. */
export const callStatuses = Object.keys(coarse) as readonly CallStatus[];

/** The specification's Success | Timeout | Blocked for a status. */
export const outcomeOf = (status: CallStatus): Outcome => coarse[status];
