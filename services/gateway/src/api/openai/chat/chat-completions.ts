import { errorBody } from '../../../server/http/errors.ts';
import type { Dialect } from '../../../canonical/text/dialect.ts';
import { chatAnswer } from './chat-answer.ts';
import { chatSchema } from './chat-schema.ts';
import { ChatStream } from './chat-stream.ts';
import { statedConversation } from '../../../canonical/text/conversation.ts';
import { chatTask } from './chat-task.ts';
import { readFacts } from './facts.ts';
import { readChat } from './read-chat.ts';

/** `POST /v1/chat/completions`. */
export const chatCompletions: Dialect = {
  path: '/v1/chat/completions',
  summary: 'A chat, in OpenAI’s form',
  schema: chatSchema,
  errorBody,
  read(bytes, headers, snapshot, answerFor) {
    const chat = readChat(bytes);
    const includeUsage = chat.body.stream_options?.include_usage === true;
    return {
      ...chatTask(
        chat,
        readFacts(headers, chat.body.metadata),
        snapshot,
        answerFor,
        statedConversation(headers, chat.body),
      ),
      isStreamed: chat.body.stream === true,
      whole: (result) => chatAnswer(result, answerFor.createdUnixSeconds),
      streamed: () => new ChatStream({ ...answerFor, includeUsage }),
    };
  },
};
