import type { FailureReason, FinishReason } from '@will/core';

/** The vendors' words for why an answer ended, in lower case with `_` between words. */
const words: Readonly<Record<FinishReason, readonly string[]>> = {
  stop: ['stop', 'end_turn', 'stop_sequence', 'pause_turn', 'eos', 'eos_token', 'end', 'complete', 'completed'],
  length: [
    'length',
    'max_tokens',
    'max_output_tokens',
    'max_length',
    'model_length',
    'model_context_window_exceeded',
    'continuation',
  ],
  tool_calls: ['tool_calls', 'tool_call', 'tool_use', 'function_call'],
  content_filter: [
    'content_filter',
    'content_filtered',
    'guardrail_intervened',
    'refusal',
    'safety',
    'image_safety',
    'image_prohibited_content',
    'recitation',
    'image_recitation',
    'blocklist',
    'prohibited_content',
    'spii',
    'sensitive',
  ],
  unknown: [],
};

/** Ends that are failures, whatever came before them. */
const failures: ReadonlyMap<string, FailureReason> = new Map([
  ['error', 'bad_response'],
  ['failed', 'server_error'],
  ['malformed_function_call', 'bad_response'],
  ['unexpected_tool_call', 'bad_response'],
  ['insufficient_system_resource', 'overloaded'],
  ['network_error', 'connection'],
]);

const finishes: ReadonlyMap<string, FinishReason> = new Map(
  Object.entries(words).flatMap(([reason, known]) => known.map((word) => [word, reason as FinishReason] as const)),
);

const plain = (word: string): string =>
  word
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');

/** The reason of an end by a vendor's word for it, in any case; a word that nobody has heard of is `unknown`. */
export const finishOf = (word: string): FinishReason => finishes.get(word) ?? finishes.get(plain(word)) ?? 'unknown';

/** The failure that a vendor's word for an end stands for; undefined: it is none. */
export const failureIn = (word: string): FailureReason | undefined =>
  finishes.has(word) ? undefined : failures.get(plain(word));
