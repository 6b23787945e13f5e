import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { type Member, readJsonObject, withMembers, withoutMembers } from '../../../server/http/json.ts';
import type { UnknownField } from '../../../server/http/unknown-fields.ts';
import { type ChatBody, type ChatMessage, chatSchema, refusedFields, staysInGateway } from './chat-schema.ts';
import { neutralMessages } from './neutral-messages.ts';
import { neutralTools, type NeutralTool } from './neutral-tools.ts';

/** A chat that was understood: the same for every dialect. */
export interface ReadChat {
  readonly body: ChatBody;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly NeutralTool[];
  /** Fields that the dialect does not know. */
  readonly unknown: readonly UnknownField[];
  /** Names of what was left out, for the notice. */
  readonly left: readonly string[];
  /**
   * What travels to the model: the chat alone, in the one form that providers read, with these fields of the caller and
   * of the gateway beside it.
   */
  input(forwarded: Readonly<Record<string, unknown>>, added?: Readonly<Record<string, unknown>>): Buffer;
}

/** Reads the body of a chat request. @throws {HttpError} 400, naming the first field that is wrong. */
export function readChat(bytes: Buffer): ReadChat {
  const { value, members } = readJsonObject(bytes);
  return read(withoutNulls(value), { bytes, members });
}

/** A chat that another dialect's body was translated to. @throws {HttpError} 400 */
export const checkChat = (fields: Record<string, unknown>): ReadChat => read(fields);

interface Text {
  readonly bytes: Buffer;
  readonly members: readonly Member[];
}

function read(fields: Readonly<Record<string, unknown>>, text?: Text): ReadChat {
  const { body, unknown } = readFields(chatSchema, refusedFields, fields);
  const messages = neutralMessages(body.messages);
  const { tools, choice, dropped } = neutralTools(body);
  const atOnce = tools && body.parallel_tool_calls;
  const isSame =
    messages === body.messages &&
    unknown.every(({ path }) => path.length === 1) &&
    sameItems(tools, body.tools) &&
    choice === body.tool_choice &&
    atOnce === body.parallel_tool_calls;
  return {
    body,
    messages,
    tools: tools ?? [],
    unknown,
    left: dropped,
    input(forwarded, added = {}) {
      if (text && isSame) return withMembers(spliced(text, body, forwarded), added);
      const { parallel_tool_calls: _stated, ...rest } = body;
      const neutral = { ...rest, messages, tools, tool_choice: choice, parallel_tool_calls: atOnce };
      return written({ ...neutral, ...forwarded }, added);
    },
  };
}

const sameItems = (one: readonly unknown[] | undefined, other: readonly unknown[] | undefined): boolean =>
  one?.length === other?.length && (one ?? []).every((item, index) => item === other?.[index]);

/** The caller's own bytes without the fields that the server keeps. */
const spliced = ({ bytes, members }: Text, body: ChatBody, forwarded: Readonly<Record<string, unknown>>): Buffer =>
  withoutMembers(
    bytes,
    members,
    (field) => staysInGateway(field) || !(Object.hasOwn(body, field) || Object.hasOwn(forwarded, field)),
  );

function written(fields: Readonly<Record<string, unknown>>, added: Readonly<Record<string, unknown>>): Buffer {
  const kept = Object.entries(fields).filter(([field]) => !staysInGateway(field));
  return Buffer.from(JSON.stringify({ ...Object.fromEntries(kept), ...added }));
}
