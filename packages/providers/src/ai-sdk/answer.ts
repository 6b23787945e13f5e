import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { FinishReason, Usage } from '@will/core';
import type { ContentDelta } from '../port.ts';

const finishes: Readonly<Record<LanguageModelV4FinishReason['unified'], FinishReason | 'truncated' | 'bad_response'>> =
  {
    stop: 'stop',
    length: 'length',
    'tool-calls': 'tool_calls',
    'content-filter': 'content_filter',
    other: 'stop',
    interrupted: 'truncated',
    error: 'bad_response',
  };

/** How an answer ended; `truncated` and `bad_response` are failures. An end of which the vendor said nothing is none. */
export function finishOf({ unified, raw }: LanguageModelV4FinishReason): FinishReason | 'truncated' | 'bad_response' {
  return unified === 'other' && raw === undefined ? 'bad_response' : finishes[unified];
}

/** Undefined: the vendor gave no figures. */
export function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage | undefined {
  if (inputTokens.total === undefined || outputTokens.total === undefined) return undefined;
  return {
    inputTokens: inputTokens.total,
    outputTokens: outputTokens.total,
    cachedInputTokens: inputTokens.cacheRead ?? 0,
    reasoningTokens: outputTokens.reasoning ?? 0,
    ...(inputTokens.cacheWrite && { cacheWriteTokens: inputTokens.cacheWrite }),
    estimated: false,
  };
}

const toolCall = (index: number, id: string, name: string, args: string): object => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: args },
});

/** A whole answer as the port's one output. */
export function outputOf(content: readonly LanguageModelV4Content[]): ContentDelta {
  const join = (type: 'text' | 'reasoning'): string =>
    content.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('');
  const calls = content
    .filter((part) => part.type === 'tool-call')
    .map(({ toolCallId, toolName, input }, index) => toolCall(index, toolCallId, toolName, input));
  const text = join('text');
  const reasoning = join('reasoning');
  return {
    ...(text !== '' && { text }),
    ...(reasoning !== '' && { reasoning }),
    ...(calls.length > 0 && { toolCalls: JSON.stringify(calls) }),
  };
}

/** Turns the parts of a stream into deltas; remembers which tool calls were begun, since they may come whole as well. */
export class PartReader {
  readonly #indexes = new Map<string, number>();

  deltaOf(part: LanguageModelV4StreamPart): ContentDelta | undefined {
    switch (part.type) {
      case 'text-delta':
        return part.delta === '' ? undefined : { text: part.delta };
      case 'reasoning-delta':
        return part.delta === '' ? undefined : { reasoning: part.delta };
      case 'tool-input-start':
        return calls(toolCall(this.#begin(part.id), part.id, part.toolName, ''));
      case 'tool-input-delta':
        return calls({ index: this.#indexes.get(part.id) ?? 0, function: { arguments: part.delta } });
      case 'tool-call':
        return this.#indexes.has(part.toolCallId)
          ? undefined
          : calls(toolCall(this.#begin(part.toolCallId), part.toolCallId, part.toolName, part.input));
      default:
        return undefined;
    }
  }

  #begin(id: string): number {
    const index = this.#indexes.size;
    this.#indexes.set(id, index);
    return index;
  }
}

const calls = (call: object): ContentDelta => ({ toolCalls: JSON.stringify([call]) });
