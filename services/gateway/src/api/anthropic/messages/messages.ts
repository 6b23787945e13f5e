import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import { statedConversation } from '../../../canonical/text/conversation.ts';
import { chatTask } from '../../openai/chat/chat-task.ts';
import { readFacts } from '../../openai/chat/facts.ts';
import { checkChat } from '../../openai/chat/read-chat.ts';
import type { Dialect } from '../../../canonical/text/dialect.ts';
import { chatOfMessages } from './chat-of-messages.ts';
import { messagesAnswer, messagesErrorBody } from './messages-answer.ts';
import { messagesSchema } from './messages-schema.ts';
import { MessagesStream } from './messages-stream.ts';

/** `POST /v1/messages`: Anthropic's form. */
export const messages: Dialect = {
  path: '/v1/messages',
  summary: 'A message, in Anthropic’s form',
  schema: messagesSchema,
  errorBody: messagesErrorBody,
  read(bytes, headers, snapshot, answerFor) {
    const { body, unknown } = readFields(messagesSchema, {}, withoutNulls(parseJsonObject(bytes)));
    const facts = readFacts(headers, body.metadata);
    const chat = { ...checkChat(chatOfMessages(body)), unknown };
    return {
      ...chatTask(chat, facts, snapshot, answerFor, statedConversation(headers, body)),
      isStreamed: body.stream === true,
      whole: messagesAnswer,
      streamed: () => new MessagesStream(answerFor.taskId),
    };
  },
};
