import { outsideCount } from '../outside-number.ts';
import type { StatedUsage } from '../usage.ts';
import type { Answer } from './answer.ts';
import type { Form } from './form.ts';
import { detailsOf, type Fields, fieldsOf, mustBeFields, textOf, toldError, unreadable } from './unreadable.ts';

/** Anthropic's messages. */
export function anthropicForm(): Form {
  let usage: Fields = {};
  /** Indexes of blocks that began: true for those that are tool calls. */
  const begun = new Map<number | undefined, boolean>();
  /** The block of thinking that is open. */
  let thought: Record<string, unknown> | undefined;
  /** What the vendor's own tools are given is streamed, too. */
  const isToolCall = (index: number | undefined): boolean => {
    const known = begun.get(index);
    if (known === undefined) throw unreadable();
    return known;
  };
  const addUsage = (stated: unknown, answer: Answer): void => {
    if (stated === null || stated === undefined) return;
    // A repeated field counts from then on; one that is null says nothing.
    const known = Object.entries(detailsOf(stated)).filter(([, value]) => value !== null);
    usage = { ...usage, ...Object.fromEntries(known) };
    answer.usage = statedUsage(usage);
  };
  const readEnd = (end: Fields, answer: Answer): void => {
    const { stop_reason: stopReason, stop_details: details } = end;
    const explanation = fieldsOf(details)?.['explanation'];
    // Without content it is a failure, and another model is asked: then nobody is told why this one refused.
    if (stopReason === 'refusal' && typeof explanation === 'string' && answer.chars > 0) answer.refusal(explanation);
    if (typeof stopReason === 'string' && stopReason !== '') answer.finish(stopReason);
  };
  return {
    whole(body, raw, answer) {
      const message = mustBeFields(body);
      if (message['type'] === 'error' || message['error']) throw toldError(raw);
      if (!Array.isArray(message['content'])) throw unreadable();
      for (const block of message['content']) readBlock(mustBeFields(block), undefined, answer);
      answer.servedBy(message['model']);
      addUsage(message['usage'], answer);
      readEnd(message, answer);
      answer.isEnded = true;
    },
    event(event, raw, answer) {
      const fields = mustBeFields(event);
      const index = outsideCount(fields['index'], Number.MAX_SAFE_INTEGER);
      switch (fields['type']) {
        case 'message_start':
          answer.servedBy(fieldsOf(fields['message'])?.['model']);
          return addUsage(atBeginning(fieldsOf(fields['message'])?.['usage']), answer);
        case 'content_block_start': {
          const block = mustBeFields(fields['content_block']);
          begun.set(index, block['type'] === 'tool_use');
          thought = block['type'] === 'thinking' ? { ...block } : undefined;
          return readBlock(block, { index }, answer);
        }
        case 'content_block_stop':
          if (thought) keepSigned(thought, answer);
          thought = undefined;
          return;
        case 'content_block_delta': {
          const delta = mustBeFields(fields['delta']);
          if (thought) addTo(thought, delta);
          if (delta['type'] !== 'input_json_delta') return readDelta(delta, answer);
          if (!isToolCall(index)) return;
          return answer.toolCall({ index, id: '', name: '', arguments: textOf(delta['partial_json']) });
        }
        case 'message_delta':
          addUsage(fields['usage'], answer);
          return readEnd(fieldsOf(fields['delta']) ?? {}, answer);
        case 'message_stop':
          answer.isEnded = true;
          return;
        case 'error':
          throw toldError(raw);
        default:
          // Anthropic adds kinds of events; those that nobody knows are to be passed over.
          if (fields['error']) throw toldError(raw);
      }
    },
  };
}

/** What is stated of the output before there is any is a placeholder. */
const atBeginning = (usage: unknown): Fields | undefined => {
  if (usage === null || usage === undefined) return undefined;
  const { output_tokens: _placeholder, output_tokens_details: _details, ...input } = detailsOf(usage);
  return input;
};

/** What the vendor's own tools did, and what only the vendor can read. */
const passedOver = /^(server_tool_use|mcp_tool_use|.*_tool_result|container_upload|compaction|fallback)$/;

/** A block, whole or at its beginning. @param beginning undefined: it is whole. */
function readBlock(block: Fields, beginning: { readonly index: number | undefined } | undefined, answer: Answer): void {
  const { type, text, thinking, id, name, input } = block;
  if (type === 'text') answer.text(textOf(text));
  else if (type === 'thinking') {
    answer.reasoning(textOf(thinking));
    if (beginning === undefined) keepSigned(block, answer);
  } else if (type === 'tool_use')
    answer.toolCall({
      index: beginning?.index,
      id: textOf(id),
      name: textOf(name),
      arguments: inputOf(input, beginning === undefined),
      isWhole: true,
    });
  else if (type === 'redacted_thinking') answer.keep({ type, data: block['data'] });
  else if (!passedOver.test(String(type))) throw unreadable();
}

/** A block that begins has an empty input, which is to come. */
function inputOf(input: unknown, isWhole: boolean): string {
  if (typeof input === 'string') return input;
  const fields = fieldsOf(input) ?? {};
  return isWhole || Object.keys(fields).length > 0 ? JSON.stringify(fields) : '';
}

/** Thinking that is not signed need not come back. */
function keepSigned({ thinking, signature }: Fields, answer: Answer): void {
  if (typeof signature === 'string' && signature !== '') answer.keep({ type: 'thinking', thinking, signature });
}

function addTo(thought: Record<string, unknown>, delta: Fields): void {
  for (const field of ['thinking', 'signature']) thought[field] = textOf(thought[field]) + textOf(delta[field]);
}

function readDelta(delta: Fields, answer: Answer): void {
  if (delta['type'] === 'text_delta') answer.text(textOf(delta['text']));
  else if (delta['type'] === 'thinking_delta') answer.reasoning(textOf(delta['thinking']));
}

/** Tokens read from the cache and written to it are counted beside the input. */
function statedUsage(usage: Fields): StatedUsage {
  const { cache_creation_input_tokens: written, cache_read_input_tokens: cached } = usage;
  const rounds = roundsOf(usage);
  return {
    input: [...rounds.map(({ input_tokens }) => input_tokens), written, cached],
    output: rounds.map(({ output_tokens }) => output_tokens),
    cachedInput: cached,
    cacheWrite: written,
    cacheWrite1h: detailsOf(usage['cache_creation'])['ephemeral_1h_input_tokens'],
    reasoning: detailsOf(usage['output_tokens_details'])['thinking_tokens'],
  };
}

/** A call that was done in rounds lists them, and its own counts leave some of them out. */
function roundsOf(usage: Fields): readonly Fields[] {
  const stated = Array.isArray(usage['iterations']) ? usage['iterations'].map(detailsOf) : [];
  if (stated.some(({ type }) => type === 'fallback_message')) return [usage];
  const rounds = stated.filter(({ type }) => type === 'message' || type === 'compaction');
  return rounds.length > 0 ? rounds : [usage];
}
