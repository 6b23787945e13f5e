import type { StatedUsage } from '../usage.ts';
import type { Answer } from './answer.ts';
import type { Form } from './form.ts';
import { argumentsOf } from './openai-form.ts';
import { detailsOf, type Fields, fieldsOf, listOf, mustBeFields, textOf, toldError, unreadable } from './unreadable.ts';

/** Gemini's contents. An answer that is whole is the one event of its stream, and some write a list of events. */
export const googleForm = (): Form => ({
  whole(body, raw, answer) {
    const events = Array.isArray(body) ? body : [body];
    for (const event of events) readEvent(mustBeFields(event), raw, answer);
    const isAnswer = events.some((event) => isAnswered(mustBeFields(event)));
    if (!isAnswer) throw unreadable();
    answer.isEnded = true;
  },
  event: (event, raw, answer) => readEvent(mustBeFields(event), raw, answer),
});

const isAnswered = ({ candidates, promptFeedback }: Fields): boolean =>
  listOf(candidates).length > 0 || fieldsOf(promptFeedback)?.['blockReason'] !== undefined;

function readEvent(event: Fields, raw: string, answer: Answer): void {
  if (event['error']) throw toldError(raw);
  answer.servedBy(event['modelVersion']);
  const candidates = listOf(event['candidates']);
  const candidate = candidates.length > 0 ? mustBeFields(candidates[0]) : {};
  for (const part of listOf(fieldsOf(candidate['content'])?.['parts'])) readPart(mustBeFields(part), answer);
  if (event['usageMetadata']) answer.usage = statedUsage(detailsOf(event['usageMetadata']));
  if (fieldsOf(event['promptFeedback'])?.['blockReason']) answer.finish('content_filter');
  const word = candidate['finishReason'];
  if (typeof word === 'string' && word !== 'FINISH_REASON_UNSPECIFIED') answer.finish(word);
}

/** Code that the vendor ran, and other parts that only it can read, are passed over. */
function readPart(part: Fields, answer: Answer): void {
  const call = fieldsOf(part['functionCall']);
  const data = fieldsOf(part['inlineData']);
  if (call) {
    if (typeof part['thoughtSignature'] === 'string') answer.keep({ signature: part['thoughtSignature'] });
    answer.toolCall({
      index: undefined,
      id: textOf(call['id']),
      name: textOf(call['name']),
      arguments: argumentsOf(call['args'] ?? {}),
      isWhole: true,
    });
  } else if (data && part['thought'] !== true)
    answer.data(Buffer.from(textOf(data['data']), 'base64'), textOf(data['mimeType']));
  else if (part['thought'] === true) answer.reasoning(textOf(part['text']));
  else answer.text(textOf(part['text']));
}

/** Thoughts are counted beside the candidates, what its tools read beside the prompt; cached content is part of that. */
function statedUsage(usage: Fields): StatedUsage {
  const { candidatesTokenCount: candidates, thoughtsTokenCount: thoughts } = usage;
  return {
    input: [usage['promptTokenCount'], usage['toolUsePromptTokenCount']],
    output: [candidates, thoughts],
    cachedInput: usage['cachedContentTokenCount'],
    audioInput: uncached(usage, 'AUDIO'),
    imageInput: uncached(usage, 'IMAGE'),
    reasoning: thoughts,
    audioOutput: countOf(usage['candidatesTokensDetails'], 'AUDIO'),
    imageOutput: countOf(usage['candidatesTokensDetails'], 'IMAGE'),
  };
}

const countOf = (details: unknown, kind: string): unknown =>
  Array.isArray(details) ? details.map(detailsOf).find(({ modality }) => modality === kind)?.['tokenCount'] : undefined;

/** What the cache held of a kind is charged as cached. */
function uncached(usage: Fields, kind: string): unknown {
  const count = countOf(usage['promptTokensDetails'], kind);
  const cached = countOf(usage['cacheTokensDetails'], kind);
  return typeof count === 'number' && typeof cached === 'number' ? count - cached : count;
}
