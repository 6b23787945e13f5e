import { checkFields, withoutNulls } from '../http/check-fields.ts';
import { parseJsonObject } from '../http/json.ts';
import { chatTask } from '../chat/chat-task.ts';
import { readFacts } from '../chat/facts.ts';
import { checkChat } from '../chat/read-chat.ts';
import type { Dialect } from '../text/dialect.ts';
import { chatOfMessages } from './chat-of-messages.ts';
import { messagesAnswer, messagesErrorBody } from './messages-answer.ts';
import { messagesSchema, refusedFields } from './messages-schema.ts';
import { MessagesStream } from './messages-stream.ts';

/** `POST /v1/messages`: Anthropic's form. */
export const messages: Dialect = {
  errorBody: messagesErrorBody,
  read(bytes, headers, snapshot, { taskId }) {
    const body = checkFields(messagesSchema, refusedFields, withoutNulls(parseJsonObject(bytes)));
    return {
      task: chatTask(checkChat(chatOfMessages(body)), readFacts(headers, body.metadata), snapshot, taskId),
      isStreamed: body.stream === true,
      whole: messagesAnswer,
      streamed: () => new MessagesStream(taskId),
    };
  },
};
