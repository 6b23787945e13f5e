import { type DescField, type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { read } from './binary.ts';
import { TooManyFields } from './codecs/byte-reader.ts';

/** A message of a caller that is not read: more fields than any real one has, or not in protobuf's form. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

/** A megabyte of empty messages is half a million objects, and a third of a second of nothing else. */
export const maxFields = 20_000;

/**
 * Reads a message that a caller made. Its fields are counted, at any depth, before more is made of them.
 * @throws {MessageError}
 */
export function readMessage<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  try {
    return read(schema, bytes, maxFields) ?? readCounted(schema, bytes);
  } catch (cause) {
    if (cause instanceof MessageError) throw cause;
    if (cause instanceof TooManyFields) throw tooManyFields();
    throw new MessageError('the message is not readable', { cause });
  }
}

function readCounted<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  countFields(schema, bytes, 0, bytes.length, maxFields, 0);
  return fromBinary(schema, bytes);
}

const tooManyFields = (): MessageError => new MessageError(`the message has more than ${maxFields} fields`);

const deepest = 60;
const lengthDelimited = 2;

/** How many more fields may come after those of a message within these bounds. */
function countFields(
  schema: DescMessage,
  bytes: Uint8Array,
  from: number,
  to: number,
  left: number,
  depth: number,
): number {
  if (depth > deepest) throw new MessageError(`the message is nested deeper than ${deepest} levels`);
  let budget = left;
  let at = from;
  while (at < to) {
    const [tag, afterTag] = varint(bytes, at, to);
    budget -= 1;
    if (budget < 0) throw tooManyFields();
    at = afterTag;
    const kind = tag & 7;
    if (kind === 0) at = varint(bytes, at, to)[1];
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === lengthDelimited) {
      const [length, start] = varint(bytes, at, to);
      at = start + length;
      if (at > to) throw new MessageError('the message ends within a field');
      const inner = messageOf(fieldsOf(schema).get(tag >>> 3));
      if (inner) budget = countFields(inner, bytes, start, at, budget, depth + 1);
    } else throw new MessageError(`wire type ${kind} is not taken`);
  }
  return budget;
}

const messageOf = (field: DescField | undefined): DescMessage | undefined =>
  field?.fieldKind === 'message' || field?.fieldKind === 'list' ? field.message : undefined;

const known = new Map<DescMessage, ReadonlyMap<number, DescField>>();
function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  const found = known.get(schema);
  if (found) return found;
  const fields = new Map(schema.fields.map((field) => [field.number, field]));
  known.set(schema, fields);
  return fields;
}

/** The low 32 bits of a varint (enough for tags and lengths), and where it ends. */
function varint(bytes: Uint8Array, from: number, to: number): readonly [number, number] {
  let value = 0;
  for (let at = from; at < to && at < from + 10; at += 1) {
    const byte = bytes[at] as number;
    if (at - from < 5) value |= (byte & 0x7f) << (7 * (at - from));
    if (byte < 0x80) return [value >>> 0, at + 1];
  }
  throw new MessageError('the message ends within a number');
}
