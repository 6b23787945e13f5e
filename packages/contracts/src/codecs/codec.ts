import type { UnknownField } from '@bufbuild/protobuf';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Makes, writes and reads one kind of message; what `never` stands for is up to the one that finds it by its name. */
export interface Codec {
  /** Of some of its fields; the others are at their zeros. A message is handed on as it is. */
  make(fields: never): object;
  write(writer: ByteWriter, message: never): void;
  read(reader: ByteReader, end: number): object;
}

/** An empty field. */
export const noBytes = new Uint8Array(0);

/** Fields of a newer release go on as they came. */
export function writeUnknown(writer: ByteWriter, fields: readonly UnknownField[]): void {
  for (const { no, wireType, data } of fields.toReversed()) {
    writer.raw(data);
    writer.uint32(no * 8 + wireType);
  }
}

/** Keeps a field that this version does not know, so that it is written out as it came. */
export function keepUnknown(message: { $unknown?: UnknownField[] | undefined }, field: UnknownField): void {
  if (message.$unknown) message.$unknown.push(field);
  else message.$unknown = [field];
}
