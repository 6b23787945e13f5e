import { checkFields, withoutNulls } from '../http/check-fields.ts';
import { errorBody } from '../http/errors.ts';
import { parseJsonObject } from '../http/json.ts';
import { chatTask } from '../chat/chat-task.ts';
import { readFacts } from '../chat/facts.ts';
import { checkChat } from '../chat/read-chat.ts';
import type { Dialect } from '../text/dialect.ts';
import { chatOfResponses } from './chat-of-responses.ts';
import { itemsOf, shownResponse } from './responses-answer.ts';
import { refusedFields, responsesSchema } from './responses-schema.ts';
import { ResponsesStream } from './responses-stream.ts';

/** `POST /v1/responses`: OpenAI's newer form, without its memory. */
export const responses: Dialect = {
  errorBody,
  read(bytes, headers, snapshot, answerFor) {
    const body = checkFields(responsesSchema, refusedFields, withoutNulls(parseJsonObject(bytes)));
    const chat = checkChat(chatOfResponses(body));
    return {
      task: chatTask(chat, readFacts(headers, body.metadata), snapshot, answerFor.taskId),
      isStreamed: body.stream === true,
      whole: (result) => JSON.stringify(shownResponse(body, answerFor, result.model, itemsOf(result), result)),
      streamed: () => new ResponsesStream(body, answerFor),
    };
  },
};
