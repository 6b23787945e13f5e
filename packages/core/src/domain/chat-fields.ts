import type { ModelDocument } from './documents.ts';

/** Fields of a chat beside its messages that every provider reads. */
export const chatFields: ReadonlySet<string> = new Set([
  'messages',
  'temperature',
  'top_p',
  'frequency_penalty',
  'presence_penalty',
  'stop',
  'seed',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
]);

/** What the usual servers of one's own know beside OpenAI's fields. */
const localPassThrough: ReadonlySet<string> = new Set([
  'top_k',
  'min_p',
  'repetition_penalty',
  'chat_template_kwargs',
  'guided_json',
  'guided_regex',
  'thinking',
  'enable_thinking',
]);
const none: ReadonlySet<string> = new Set();

type Described = Pick<ModelDocument, 'pass_through' | 'provider' | 'call_method'>;

/**
 * Names of further fields that a chat for this model may carry. Default: those of the usual local servers where the
 * model is no `API` and its provider is `openai-compatible`, else none.
 */
export function passThroughOf({ pass_through: listed, provider, call_method: method }: Described): ReadonlySet<string> {
  if (listed) return new Set(listed);
  return provider === 'openai-compatible' && method !== 'API' ? localPassThrough : none;
}
