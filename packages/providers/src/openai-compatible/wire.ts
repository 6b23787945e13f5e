import type { FinishReason, Usage } from '@will/core';
import type { ContentDelta } from '../port.ts';

/** What this side reads of OpenAI's chat completions; everything may be missing, since many speak it their own way. */
export interface WireMessage {
  readonly content?: string | null;
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
  readonly refusal?: string | null;
  readonly tool_calls?: readonly object[] | null;
}
export interface WireAnswer {
  readonly choices?: readonly {
    readonly message?: WireMessage;
    readonly delta?: WireMessage;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: WireUsage | null;
  readonly error?: unknown;
}
interface WireUsage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number; readonly audio_tokens?: number } | null;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number; readonly audio_tokens?: number } | null;
}

const finishes: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
};

/** A reason that nobody has heard of is taken for a stop. */
export const finishOf = (reason: string): FinishReason => finishes[reason] ?? 'stop';

export function deltaOf(message: WireMessage): ContentDelta | undefined {
  const text = message.content ?? message.refusal ?? '';
  const reasoning = message.reasoning_content ?? message.reasoning ?? '';
  const toolCalls = message.tool_calls && message.tool_calls.length > 0 ? JSON.stringify(message.tool_calls) : '';
  if (text === '' && reasoning === '' && toolCalls === '') return undefined;
  return {
    ...(text !== '' && { text }),
    ...(reasoning !== '' && { reasoning }),
    ...(toolCalls !== '' && { toolCalls }),
  };
}

const count = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.round(value) : 0;

export function usageOf(usage: WireUsage): Usage {
  const audioInputTokens = count(usage.prompt_tokens_details?.audio_tokens);
  const audioOutputTokens = count(usage.completion_tokens_details?.audio_tokens);
  return {
    inputTokens: count(usage.prompt_tokens),
    outputTokens: count(usage.completion_tokens),
    cachedInputTokens: count(usage.prompt_tokens_details?.cached_tokens),
    reasoningTokens: count(usage.completion_tokens_details?.reasoning_tokens),
    ...(audioInputTokens > 0 && { audioInputTokens }),
    ...(audioOutputTokens > 0 && { audioOutputTokens }),
    estimated: false,
  };
}
