import { outsideCount } from '../outside-number.ts';
import type { StatedUsage } from '../usage.ts';
import type { Answer } from './answer.ts';
import type { Form } from './form.ts';
import { argumentsOf } from './openai-form.ts';
import { detailsOf, type Fields, fieldsOf, listOf, mustBeFields, textOf, toldError, unreadable } from './unreadable.ts';

/** OpenAI's responses. */
export function responsesForm(): Form {
  let hasRefused = false;
  const streamedArguments = new Set<number | undefined>();
  const refuse = (piece: string, answer: Answer): void => {
    hasRefused ||= piece !== '';
    answer.refusal(piece);
  };
  const readPart = (part: Fields, answer: Answer): void => {
    if (part['type'] === 'output_text') answer.text(textOf(part['text']));
    else if (part['type'] === 'refusal') refuse(textOf(part['refusal']), answer);
    else throw unreadable();
  };
  const readItem = (item: Fields, answer: Answer): void => {
    if (item['type'] === 'message') for (const part of listOf(item['content'])) readPart(mustBeFields(part), answer);
    if (item['type'] === 'reasoning') {
      for (const part of listOf(item['summary'])) answer.reasoning(textOf(mustBeFields(part)['text']));
      keepEncrypted(item, answer);
    }
    if (item['type'] === 'function_call') answer.toolCall({ ...pieceOf(item, undefined), isWhole: true });
  };
  const readEnd = (response: Fields, raw: string, answer: Answer): void => {
    if (response['error'] || response['status'] === 'failed') throw toldError(raw);
    answer.servedBy(response['model']);
    if (response['usage']) answer.usage = statedUsage(detailsOf(response['usage']));
    const reason = fieldsOf(response['incomplete_details'])?.['reason'];
    answer.finish(typeof reason === 'string' ? reason : hasRefused ? 'refusal' : 'completed');
    answer.isEnded = true;
  };
  return {
    whole(body, raw, answer) {
      const response = mustBeFields(body);
      if (response['error']) throw toldError(raw);
      if (!Array.isArray(response['output'])) throw unreadable();
      for (const item of response['output']) readItem(mustBeFields(item), answer);
      readEnd(response, raw, answer);
    },
    event(event, raw, answer) {
      const fields = mustBeFields(event);
      const index = outsideCount(fields['output_index'], Number.MAX_SAFE_INTEGER);
      switch (fields['type']) {
        case 'response.output_text.delta':
          return answer.text(textOf(fields['delta']));
        case 'response.refusal.delta':
          return refuse(textOf(fields['delta']), answer);
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          return answer.reasoning(textOf(fields['delta']));
        case 'response.output_item.added': {
          const item = mustBeFields(fields['item']);
          if (item['type'] === 'function_call') answer.toolCall(pieceOf(item, index));
          return;
        }
        case 'response.function_call_arguments.delta':
          streamedArguments.add(index);
          return answer.toolCall({ index, id: '', name: '', arguments: textOf(fields['delta']) });
        case 'response.output_item.done': {
          const item = mustBeFields(fields['item']);
          if (item['type'] === 'reasoning') keepEncrypted(item, answer);
          // Some stream no arguments and state them at the end.
          if (item['type'] === 'function_call' && !streamedArguments.has(index)) answer.toolCall(pieceOf(item, index));
          return;
        }
        case 'response.completed':
        case 'response.incomplete': {
          const response = mustBeFields(fields['response']);
          // Some stream nothing but the end, which holds everything.
          if (answer.chars === 0) for (const item of listOf(response['output'])) readItem(mustBeFields(item), answer);
          return readEnd(response, raw, answer);
        }
        case 'response.failed':
        case 'error':
          throw toldError(raw);
        default:
          if (fields['error']) throw toldError(raw);
      }
    },
  };
}

/** Reasoning that nobody but the vendor can read. */
function keepEncrypted({ id, summary, encrypted_content }: Fields, answer: Answer): void {
  if (typeof encrypted_content === 'string' && encrypted_content !== '')
    answer.keep({ type: 'reasoning', id, summary, encrypted_content });
}

const pieceOf = (item: Fields, index: number | undefined) => ({
  index,
  id: textOf(item['call_id'] ?? item['id']),
  name: textOf(item['name']),
  arguments: argumentsOf(item['arguments']),
});

/** Cached and written tokens are part of the input, reasoning is part of the output. */
function statedUsage(usage: Fields): StatedUsage {
  const input = detailsOf(usage['input_tokens_details']);
  const output = detailsOf(usage['output_tokens_details']);
  return {
    input: [usage['input_tokens']],
    output: [usage['output_tokens']],
    cachedInput: input['cached_tokens'],
    cacheWrite: input['cache_write_tokens'],
    cacheWrite1h: detailsOf(input['cache_write_tokens_details'])['ttl_12h_tokens'],
    audioInput: input['audio_tokens'],
    imageInput: input['image_tokens'],
    reasoning: output['reasoning_tokens'],
    audioOutput: output['audio_tokens'],
    imageOutput: output['image_tokens'],
  };
}
