import { HeaderCursor, HeaderProblem, RanOut } from './header-cursor.ts';
import { tensorBytes } from './tensor-types.ts';

/**
 * The header of a GGUF file, read without native code. Layout: the format's specification in ggml, docs/gguf.md,
 * versions 2 and 3, little-endian.
 */
export interface GgufHeader {
  readonly version: number;
  readonly fileBytes: number;
  /** Values that stand alone and short lists of numbers; a longer list counts only by its length. */
  readonly fields: ReadonlyMap<string, GgufValue>;
  readonly tensors: number;
  readonly parameters: number;
  /** What all tensors of this file take, in memory as on disk. */
  readonly tensorBytes: number;
}

/** A value of a gguf file's header. */
export type GgufValue = number | boolean | string | readonly number[] | { readonly length: number };

/** No model has more tensors or fields than this; a file that says so is broken or hostile. */
const maxEntries = 1_000_000;
/** A list this long is a vocabulary, not numbers by layer. */
const maxKeptList = 4_096;
const maxKeptText = 4_096;
const maxText = 16 * 1024 * 1024;
/** ggml itself takes names of less than 64 bytes for tensors; fields may be longer. */
const maxName = 1_024;
const maxDimensions = 4;
const deepestNesting = 3;

/**
 * Reads the header out of the first bytes of a file. `'more'`: these bytes do not hold all of it, though the file does.
 * Nothing is believed: every count and every place is held against the size of the file before it is used.
 * @throws {HeaderProblem} the file is no GGUF, is cut short or contradicts itself.
 */
export function parseGgufHeader(bytes: Uint8Array, fileBytes: number): GgufHeader | 'more' {
  try {
    return readHeader(new HeaderCursor(bytes, fileBytes));
  } catch (error) {
    if (error instanceof RanOut) return 'more';
    throw error;
  }
}

function readHeader(cursor: HeaderCursor): GgufHeader {
  const version = readStart(cursor);
  const tensorCount = entries(cursor, 'tensors', 24);
  const fieldCount = entries(cursor, 'fields', 12);
  const fields = new Map<string, GgufValue>();
  for (let n = 0; n < fieldCount; n += 1) {
    const name = cursor.text(maxName, 'the name of a field');
    if (fields.has(name)) throw new HeaderProblem('is damaged: a field stands in it twice');
    fields.set(name, readValue(cursor, cursor.u32(), 0));
  }
  const tensors = readTensors(cursor, tensorCount);
  const alignment = alignmentOf(fields);
  const dataStart = Math.ceil(cursor.at / alignment) * alignment;
  const dataBytes = cursor.fileBytes - dataStart;
  for (const { offset, size } of tensors) {
    if (offset % alignment !== 0) throw new HeaderProblem('is damaged: a tensor does not begin where tensors may');
    if (offset + size > dataBytes)
      throw new HeaderProblem(
        `is cut short: its tensors need ${dataStart + offset + size} bytes and it has ${cursor.fileBytes}`,
      );
  }
  return {
    version,
    fileBytes: cursor.fileBytes,
    fields,
    tensors: tensorCount,
    parameters: sum(tensors.map(({ parameters }) => parameters)),
    tensorBytes: sum(tensors.map(({ size }) => size)),
  };
}

function readStart(cursor: HeaderCursor): number {
  if (cursor.fileBytes < 24 || cursor.u32() !== magic) throw new HeaderProblem('is no GGUF');
  const version = cursor.u32();
  if (version === 0x02_00_00_00 || version === 0x03_00_00_00)
    throw new HeaderProblem('is big-endian, for other machines than this');
  if (version !== 2 && version !== 3)
    throw new HeaderProblem(`is GGUF version ${version}; versions 2 and 3 can be read`);
  return version;
}

/** "GGUF" */
const magic = 0x46_55_47_47;

function entries(cursor: HeaderCursor, what: string, leastBytesEach: number): number {
  const count = cursor.u64();
  const promise = `it promises ${count} ${what}, more than it can hold`;
  if (count > maxEntries) throw new HeaderProblem(`is damaged: ${promise}`);
  if (count * leastBytesEach > cursor.fileBytes) throw new HeaderProblem(`is cut short or damaged: ${promise}`);
  return count;
}

interface Tensor {
  readonly parameters: number;
  readonly offset: number;
  readonly size: number;
}

function readTensors(cursor: HeaderCursor, count: number): Tensor[] {
  const names = new Set<string>();
  return Array.from({ length: count }, () => {
    const name = cursor.text(maxName, 'the name of a tensor');
    if (names.has(name)) throw new HeaderProblem('is damaged: a tensor stands in it twice');
    names.add(name);
    const dimensionCount = cursor.u32();
    if (dimensionCount > maxDimensions)
      throw new HeaderProblem(`is damaged: a tensor has ${dimensionCount} dimensions, at most ${maxDimensions} may be`);
    let parameters = 1;
    for (let n = 0; n < dimensionCount; n += 1) parameters *= cursor.u64();
    const type = cursor.u32();
    const offset = cursor.u64();
    if (parameters < 1 || parameters > cursor.fileBytes * maxParametersPerByte)
      throw new HeaderProblem('is damaged: a tensor is larger than the file');
    return { parameters, offset, size: tensorBytes(type, parameters) };
  });
}

/** The densest types keep somewhat more than a bit for each. */
const maxParametersPerByte = 8;

function alignmentOf(fields: ReadonlyMap<string, GgufValue>): number {
  const stated = fields.get('general.alignment') ?? 32;
  if (typeof stated !== 'number' || stated < 8 || stated > 65_536 || !Number.isInteger(Math.log2(stated)))
    throw new HeaderProblem('is damaged: its alignment must be a power of 2 from 8 to 65536');
  return stated;
}

type Reader = (cursor: HeaderCursor) => number;
/** Sizes and readers of plain values by their number in the format; strings and lists are 8 and 9. */
const plain: Readonly<Record<number, { readonly bytes: number; readonly read: Reader }>> = {
  0: { bytes: 1, read: (cursor) => cursor.u8() },
  1: { bytes: 1, read: (cursor) => (cursor.u8() << 24) >> 24 },
  2: { bytes: 2, read: (cursor) => cursor.u16() },
  3: { bytes: 2, read: (cursor) => (cursor.u16() << 16) >> 16 },
  4: { bytes: 4, read: (cursor) => cursor.u32() },
  5: { bytes: 4, read: (cursor) => cursor.u32() | 0 },
  6: { bytes: 4, read: (cursor) => cursor.f32() },
  7: { bytes: 1, read: (cursor) => cursor.u8() },
  // What is too large for a number is kept as the nearest one: no field that is used here is.
  10: { bytes: 8, read: (cursor) => cursor.bigU64() },
  11: { bytes: 8, read: (cursor) => cursor.bigI64() },
  12: { bytes: 8, read: (cursor) => cursor.f64() },
};
const boolean = 7;
const string = 8;
const list = 9;

function readValue(cursor: HeaderCursor, type: number, depth: number): GgufValue {
  if (type === string) return cursor.text(maxText, 'a text', maxKeptText);
  if (type === list) return readList(cursor, depth);
  const kind = plain[type];
  if (!kind) throw new HeaderProblem(`is damaged: a field is of kind ${type}, which does not exist`);
  const value = kind.read(cursor);
  return type === boolean ? value !== 0 : value;
}

function readList(cursor: HeaderCursor, depth: number): GgufValue {
  if (depth >= deepestNesting) throw new HeaderProblem('is damaged: lists stand in lists too deep');
  const type = cursor.u32();
  const length = cursor.u64();
  const kind = plain[type];
  cursor.mustHold(length * (kind?.bytes ?? 8), 'a list');
  if (!kind) {
    if (type !== string && type !== list)
      throw new HeaderProblem(`is damaged: a list is of kind ${type}, which does not exist`);
    for (let n = 0; n < length; n += 1)
      if (type === string) cursor.skipText();
      else readList(cursor, depth + 1);
    return { length };
  }
  if (length > maxKeptList) {
    cursor.skip(length * kind.bytes);
    return { length };
  }
  return Array.from({ length }, () => kind.read(cursor));
}

const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);
