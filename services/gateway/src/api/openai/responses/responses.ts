import { nameKey, slugNamed, type Snapshot } from '@will/core';
import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { errorBody } from '../../../server/http/errors.ts';
import type { UnknownField } from '../../../server/http/unknown-fields.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import { statedConversation } from '../../../canonical/text/conversation.ts';
import { chatTask } from '../chat/chat-task.ts';
import { readFacts, type StatedFacts } from '../chat/facts.ts';
import { checkChat } from '../chat/read-chat.ts';
import type { Dialect } from '../../../canonical/text/dialect.ts';
import { chatOfResponses } from './chat-of-responses.ts';
import { keptIds, plainIds } from './item-ids.ts';
import { KeptItems } from './kept-items.ts';
import { itemsOf, shownResponse, wantsEncrypted } from './responses-answer.ts';
import { refusedFields, type ResponsesBody, responsesSchema } from './responses-schema.ts';
import { ResponsesStream } from './responses-stream.ts';

const keptItems = new KeptItems(Date.now);

/** `POST /v1/responses`: OpenAI's newer form, without its memory. */
export const responses: Dialect = {
  path: '/v1/responses',
  summary: 'A response, in OpenAI’s newer form',
  schema: responsesSchema,
  errorBody,
  read(bytes, headers, snapshot, answerFor) {
    const parsed = parseJsonObject(bytes);
    const stated = withoutNulls(parsed);
    const { body, unknown } = readFields(responsesSchema, refusedFields, stated);
    const isEncryptedWanted = wantsEncrypted(parsed);
    const { taskId } = answerFor;
    const facts = readFacts(headers, body.metadata);
    const kept = keptItems.of(ownerOf(facts, snapshot));
    const ids = (stated as { readonly store?: unknown }).store === false ? plainIds(taskId) : keptIds(taskId, kept);
    const chat = { ...checkChat(chatOfResponses(body, kept)), unknown: [...verbosityOf(body), ...unknown] };
    return {
      ...chatTask(chat, facts, snapshot, answerFor, statedConversation(headers, body)),
      isStreamed: body.stream === true,
      whole: (result) =>
        JSON.stringify(
          shownResponse(body, answerFor, result.model, itemsOf(body, result, ids, isEncryptedWanted), result),
        ),
      streamed: () => new ResponsesStream(body, answerFor, ids, isEncryptedWanted),
    };
  },
};

/** Rules on data are those of a client and a project. */
const ownerOf = ({ client, project }: StatedFacts, snapshot: Snapshot): string =>
  JSON.stringify([
    slugNamed(snapshot, 'client', client) ?? nameKey(client),
    project === undefined ? '' : (slugNamed(snapshot, 'project', project) ?? nameKey(project)),
  ]);

/** Few models know it: it stands where the chat form has it, among the fields that some models take. */
const verbosityOf = ({ text }: ResponsesBody): readonly UnknownField[] =>
  text?.verbosity ? [{ path: ['verbosity'], param: 'text.verbosity', value: text.verbosity }] : [];
