import { checkFields, withoutNulls } from '../http/check-fields.ts';
import { invalid } from '../http/errors.ts';
import { parseJsonObject, topLevelMembers, withoutMembers } from '../http/json.ts';
import { answerOnlyFields, type ChatBody, chatSchema, refusedFields, staysAtTheDoor } from './chat-schema.ts';

export interface ReadChat {
  readonly body: ChatBody;
  /** What travels to the model: the caller's own bytes without the fields that the door keeps. */
  readonly input: Buffer;
}

/** Reads the body of a chat request. @throws {HttpError} 400, naming the first field that is wrong. */
export function readChat(bytes: Buffer): ReadChat {
  const parsed = parseJsonObject(bytes);
  // Two readers of one text must never see two different values.
  const members = topLevelMembers(bytes);
  if (members.length > Object.keys(parsed).length) throw invalid('a field of the body stands there twice');
  const body = checkFields(chatSchema, refusedFields, withoutNulls(parsed));
  const isLeftOut = (field: string): boolean => staysAtTheDoor(field) || !Object.hasOwn(body, field);
  if (!body.messages.some(carriesAnswerFields)) return { body, input: withoutMembers(bytes, members, isLeftOut) };
  return { body, input: rewritten(body, isLeftOut) };
}

const carriesAnswerFields = (message: ChatBody['messages'][number]): boolean =>
  message.role === 'assistant' &&
  (answerOnlyFields.some((field) => Object.hasOwn(message, field)) ||
    (message.tool_calls ?? []).some((call) => Object.hasOwn(call.function, 'parsed_arguments')));

function rewritten(body: ChatBody, isLeftOut: (field: string) => boolean): Buffer {
  const messages = body.messages.map((message) => {
    if (!carriesAnswerFields(message) || message.role !== 'assistant') return message;
    const kept = Object.fromEntries(Object.entries(message).filter(([field]) => !answerOnlyFields.includes(field)));
    if (!message.tool_calls) return kept;
    const calls = message.tool_calls.map(({ id, type, function: { name, arguments: given } }) => ({
      id,
      type,
      function: { name, arguments: given },
    }));
    return { ...kept, tool_calls: calls };
  });
  const fields = Object.entries({ ...body, messages }).filter(([field]) => !isLeftOut(field));
  return Buffer.from(JSON.stringify(Object.fromEntries(fields)));
}

/** A chat that another dialect's body was translated to. @throws {HttpError} 400 */
export function checkChat(fields: Record<string, unknown>): ReadChat {
  const body = checkFields(chatSchema, refusedFields, fields);
  return { body, input: rewritten(body, (field) => staysAtTheDoor(field)) };
}
