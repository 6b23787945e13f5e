import type { UnknownField } from '@bufbuild/protobuf';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** How one kind of message is written and read; what `never` stands for is up to the one that finds it by its name. */
export interface Codec {
  write(writer: ByteWriter, message: never): void;
  read(reader: ByteReader, end: number): object;
}

export const noBytes = new Uint8Array(0);

/** Fields of a newer release go on as they came. */
export function writeUnknown(writer: ByteWriter, fields: readonly UnknownField[]): void {
  for (const { no, wireType, data } of fields.toReversed()) {
    writer.raw(data);
    writer.uint32(no * 8 + wireType);
  }
}

export function keepUnknown(message: { $unknown?: UnknownField[] | undefined }, field: UnknownField): void {
  if (message.$unknown) message.$unknown.push(field);
  else message.$unknown = [field];
}
