import type { Question } from '@will/client';
import type { Snapshot } from '@will/core';
import { estimateChatTokens } from '@will/core';
import { whoAnswers } from '../../openai/chat/chat-task.ts';
import { type RequestHeaders, readFacts } from '../../openai/chat/facts.ts';
import { checkChat } from '../../openai/chat/read-chat.ts';
import { droppedFields } from '../../../server/http/dropped-fields.ts';
import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import { chatOfMessages } from './chat-of-messages.ts';
import { countTokensSchema } from './messages-schema.ts';

/**
 * `POST /v1/messages/count_tokens`: how many tokens a message would have, estimated from above, since the models that
 * may answer count differently. No model is called. `question` is who asks for what, for the same checks as a message
 * would meet. @throws {HttpError} 400, 404
 */
export function countTokens(
  bytes: Buffer,
  headers: RequestHeaders,
  snapshot: Snapshot,
): { readonly question: Question; readonly input_tokens: number } {
  const { body, unknown } = readFields(countTokensSchema, {}, withoutNulls(parseJsonObject(bytes)));
  const stated = readFacts(headers);
  const { type } = whoAnswers(body.model, stated, snapshot);
  const { taskType: _read, ...facts } = stated;
  droppedFields(unknown);
  const chat = checkChat(chatOfMessages(body));
  return { question: { ...facts, type }, input_tokens: estimateChatTokens(chat.messages, chat.input({}).length) };
}
