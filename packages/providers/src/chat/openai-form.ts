import { outsideCount } from '../outside-number.ts';
import type { StatedUsage } from '../usage.ts';
import type { Answer } from './answer.ts';
import type { Form } from './form.ts';
import type { ToolCallPiece } from './tool-calls.ts';
import { detailsOf, type Fields, fieldsOf, listOf, mustBeFields, textOf, toldError, unreadable } from './unreadable.ts';

/** OpenAI's chat completions, as the many who copied them write them. It keeps nothing of an answer. */
export const openAiForm = (): Form => form;

const form: Form = {
  whole(body, raw, answer) {
    const fields = mustBeFields(body);
    if (fields['error']) throw toldError(raw);
    const choice = mustBeFields(listOf(fields['choices'])[0]);
    readMessage(mustBeFields(choice['message']), answer, true);
    readEnd(fields, choice, answer);
    // Whole as it is, it ended: only why is not known.
    answer.isEnded = true;
  },
  event(event, raw, answer) {
    const fields = mustBeFields(event);
    if (fields['error']) throw toldError(raw);
    const choices = listOf(fields['choices']);
    const choice = choices.length > 0 ? mustBeFields(choices[0]) : nothing;
    const delta = fieldsOf(choice['delta']);
    const message = delta ? undefined : fieldsOf(choice['message']);
    if (delta) readMessage(delta, answer, false);
    // Some answer a request for a stream with one event that holds everything.
    else if (message && answer.chars === 0) readMessage(message, answer, true);
    readEnd(fields, choice, answer);
  },
};

const nothing: Fields = {};

function readEnd(fields: Fields, choice: Fields, answer: Answer): void {
  answer.servedBy(fields['model']);
  if (fields['usage']) answer.usage = statedUsage(detailsOf(fields['usage']));
  const word = choice['finish_reason'];
  if (typeof word === 'string' && word !== '') answer.finish(word);
}

function readMessage(message: Fields, answer: Answer, isWhole: boolean): void {
  const { content, reasoning_content: reasoning, reasoning: older, refusal } = message;
  if (typeof reasoning === 'string' && reasoning !== '') readThought('reasoning_content', reasoning, answer);
  else if (typeof older === 'string' && older !== '') readThought('reasoning', older, answer);
  readContent(content, answer);
  if (typeof refusal === 'string') answer.refusal(refusal);
  if (message['tool_calls'])
    for (const call of listOf(message['tool_calls'])) {
      const { extra_content: extra } = mustBeFields(call);
      if (typeof extra === 'object' && extra !== null) answer.keep({ extra });
      answer.toolCall(pieceOf(mustBeFields(call), isWhole));
    }
  const called = fieldsOf(message['function_call']);
  if (called) answer.toolCall(pieceOf({ function: called }, isWhole));
}

/** Some servers want to see what was thought before a tool call again, in the field that they gave it in. */
function readThought(field: string, piece: string, answer: Answer): void {
  answer.reasoning(piece);
  answer.keepWords(field, piece);
}

function readContent(content: unknown, answer: Answer): void {
  if (typeof content === 'string') return answer.text(content);
  for (const part of listOf(content)) readPart(part, answer);
}

function readPart(part: unknown, answer: Answer): void {
  if (typeof part === 'string') return answer.text(part);
  const { type, text, thinking, reasoning, refusal } = mustBeFields(part);
  if (type === 'text' || type === 'output_text') answer.text(textOf(text));
  else if (type === 'thinking') answer.reasoning(thoughtsOf(thinking));
  else if (type === 'reasoning') answer.reasoning(textOf(text ?? reasoning));
  else if (type === 'refusal') answer.refusal(textOf(refusal));
  // A source that a text names; the text stands beside it.
  else if (type !== 'reference') throw unreadable();
}

const thoughtsOf = (thinking: unknown): string =>
  Array.isArray(thinking) ? thinking.map((part) => textOf(mustBeFields(part)['text'])).join('') : textOf(thinking);

function pieceOf(call: Fields, isWhole: boolean): ToolCallPiece {
  const { name, arguments: args } = fieldsOf(call['function']) ?? {};
  return {
    index: outsideCount(call['index'], Number.MAX_SAFE_INTEGER),
    id: typeof call['id'] === 'number' ? String(call['id']) : textOf(call['id']),
    name: textOf(name),
    arguments: argumentsOf(args),
    isWhole,
  };
}

/** Arguments are JSON text; some give the JSON itself. */
export const argumentsOf = (args: unknown): string =>
  args === null || args === undefined ? '' : typeof args === 'string' ? args : JSON.stringify(args);

/**
 * Cached and written tokens are part of the input, reasoning is part of the output. xAI counts its reasoning beside the
 * output, which shows in its own sum.
 */
function statedUsage(usage: Fields): StatedUsage {
  const input = detailsOf(usage['prompt_tokens_details'] ?? usage['input_tokens_details']);
  const output = detailsOf(usage['completion_tokens_details'] ?? usage['output_tokens_details']);
  const reasoning = output['reasoning_tokens'];
  const made = usage['completion_tokens'] ?? usage['output_tokens'];
  return {
    input: [usage['prompt_tokens'] ?? usage['input_tokens']],
    output: isReasoningBeside(usage, reasoning) ? [made, reasoning] : [made],
    cachedInput: input['cached_tokens'] ?? usage['prompt_cache_hit_tokens'] ?? usage['cache_read_input_tokens'],
    cacheWrite: input['cache_write_tokens'] ?? input['cache_creation_tokens'] ?? usage['cache_creation_input_tokens'],
    cacheWrite1h:
      detailsOf(input['cache_creation_token_details'])['ephemeral_1h_input_tokens'] ??
      detailsOf(input['cache_write_tokens_details'])['ttl_12h_tokens'],
    audioInput: input['audio_tokens'],
    imageInput: input['image_tokens'],
    reasoning,
    audioOutput: output['audio_tokens'],
    imageOutput: output['image_tokens'],
  };
}

function isReasoningBeside(usage: Fields, reasoning: unknown): boolean {
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage;
  const areCounts = typeof input === 'number' && typeof output === 'number' && typeof reasoning === 'number';
  return areCounts && reasoning > 0 && total === input + output + reasoning;
}
