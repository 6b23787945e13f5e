import * as general from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { ByteReader } from './codecs/byte-reader.ts';
import { ByteWriter } from './codecs/byte-writer.ts';
import { codecs } from './gen/codecs.ts';

const writer = new ByteWriter();

/**
 * A message with these fields, the others at their zeros: by the maker that was generated for its kind, else by the
 * library's, which goes over the fields by their descriptors each time.
 */
export function create<S extends DescMessage>(schema: S, fields?: MessageInitShape<S>): MessageShape<S> {
  const codec = codecs.get(schema.typeName);
  if (!codec) return general.create(schema, fields);
  return codec.make((fields ?? {}) as never) as MessageShape<S>;
}

/**
 * A message as bytes: by the encoder that was generated for its kind, else by the library's. @throws a value is none of
 * its field's.
 */
export function toBinary<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array {
  const codec = codecs.get(schema.typeName);
  if (!codec) return general.toBinary(schema, message);
  if (message.$typeName !== schema.typeName) throw new TypeError(`a ${message.$typeName} is no ${schema.typeName}`);
  try {
    codec.write(writer, message as never);
    return writer.take();
  } catch (cause) {
    writer.drop();
    throw new Error(`cannot encode ${schema.typeName}: ${(cause as Error).message}`, { cause });
  }
}

/** A message out of its bytes, which it may go on using. @throws they are not in protobuf's form. */
export function fromBinary<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  return read(schema, bytes, Number.POSITIVE_INFINITY) ?? general.fromBinary(schema, bytes);
}

/** Undefined: no decoder was generated for it. @throws {TooManyFields} */
export function read<S extends DescMessage>(
  schema: S,
  bytes: Uint8Array,
  maxFields: number,
): MessageShape<S> | undefined {
  const codec = codecs.get(schema.typeName);
  return codec && (codec.read(new ByteReader(bytes, maxFields), bytes.length) as MessageShape<S>);
}
