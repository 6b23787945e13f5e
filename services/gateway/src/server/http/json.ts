import { invalid } from './errors.ts';

const maxDepth = 64;
const maxValues = 100_000;

/** A body, and where its members stand in its text. */
export interface JsonObject {
  readonly value: Record<string, unknown>;
  readonly members: readonly Member[];
}

/** Parses a body into an object that is safe to walk. @throws {HttpError} 400 */
export function readJsonObject(bytes: Buffer): JsonObject {
  const value = parse(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('the body must be a JSON object');
  checkShape(value);
  const members = topLevelMembers(bytes);
  mustHaveOneOfEach(bytes, value, members);
  return { value: value as Record<string, unknown>, members };
}

/** The same, for who needs nothing of the text. @throws {HttpError} 400 */
export const parseJsonObject = (bytes: Buffer): Record<string, unknown> => readJsonObject(bytes).value;

/** Two readers of one text must never see two different values: of the body, or of its metadata. */
function mustHaveOneOfEach(bytes: Buffer, value: object, members: readonly Member[]): void {
  if (members.length > Object.keys(value).length) throw invalid('a field of the body stands there twice');
  const { metadata } = value as { readonly metadata?: unknown };
  const member = members.find(({ key }) => key === 'metadata');
  if (!member || typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return;
  const text = bytes.subarray(bytes.indexOf(openingBrace, endOfString(bytes, member.start)), member.end);
  if (topLevelMembers(text).length > Object.keys(metadata).length)
    throw invalid('a field of metadata stands there twice', 'metadata');
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    // The engine's message shows the text around the mistake, which is content: only the position is told.
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    throw invalid(`the body is not valid JSON${position === undefined ? '' : ` (at character ${position})`}`);
  }
}

/** Refuses what is too deep, too much, or would reach a prototype once somebody copies it. */
function checkShape(root: object): void {
  let values = 0;
  const visit = (value: object, depth: number): void => {
    if (depth > maxDepth) throw invalid(`the body is nested deeper than ${maxDepth} levels`);
    const entries = Array.isArray(value) ? value : Object.values(value);
    values += entries.length;
    if (values > maxValues) throw invalid(`the body holds more than ${maxValues} values`);
    if (Object.hasOwn(value, '__proto__')) throw invalid('the body holds a field "__proto__"');
    for (const entry of entries) if (typeof entry === 'object' && entry !== null) visit(entry, depth + 1);
  };
  visit(root, 1);
}

/** One member of an object in its text: from the first quote of its key to the end of its value. */
export interface Member {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openingBrace = 0x7b;
const closingBrace = 0x7d;
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const opens = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
const closes = (byte: number): boolean => byte === closingBrace || byte === 0x5d;

/**
 * The members of the outermost object, so that text can be passed on without being written again. `bytes` must be the
 * text of a JSON object that `JSON.parse` has accepted.
 */
export function topLevelMembers(bytes: Buffer): readonly Member[] {
  const members: Member[] = [];
  let at = skipSpace(bytes, skipSpace(bytes, 0) + 1);
  while (bytes[at] === quote) {
    const keyEnd = endOfString(bytes, at);
    const colon = skipSpace(bytes, keyEnd);
    const end = endOfValue(bytes, skipSpace(bytes, colon + 1));
    members.push({ key: keyAt(bytes, at, keyEnd), start: at, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
  }
  return members;
}

function keyAt(bytes: Buffer, start: number, end: number): string {
  const key = bytes.toString('utf8', start + 1, end - 1);
  return key.includes('\\') ? (JSON.parse(`"${key}"`) as string) : key;
}

/** The same object without some members; the very same bytes when none of them is there. */
export function withoutMembers(bytes: Buffer, members: readonly Member[], isRemoved: (key: string) => boolean): Buffer {
  const kept = members.filter(({ key }) => !isRemoved(key));
  if (kept.length === members.length) return bytes;
  if (kept.length === 0) return Buffer.from('{}');
  const text = Buffer.allocUnsafe(kept.reduce((length, { start, end }) => length + 1 + end - start, 1));
  let at = 0;
  for (const { start, end } of kept) {
    text[at] = at === 0 ? openingBrace : comma;
    at += 1 + bytes.copy(text, at + 1, start, end);
  }
  text[at] = closingBrace;
  return text;
}

/** The same object with members behind its own; the very same bytes when there are none. It must have some of its own. */
export function withMembers(bytes: Buffer, added: Readonly<Record<string, unknown>>): Buffer {
  if (Object.keys(added).length === 0) return bytes;
  const end = bytes.lastIndexOf(closingBrace);
  return Buffer.concat([bytes.subarray(0, end), separator, Buffer.from(JSON.stringify(added).slice(1))]);
}

const separator = Buffer.from(',');

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

/** Behind the closing quote of the string that starts at `at`. */
function endOfString(bytes: Buffer, at: number): number {
  let end = at;
  do {
    end = bytes.indexOf(quote, end + 1);
    if (end === -1) return bytes.length;
  } while (isEscaped(bytes, end));
  return end + 1;
}

/** Whether the byte stands behind an odd number of backslashes. */
function isEscaped(bytes: Buffer, at: number): boolean {
  let first = at;
  while (bytes[first - 1] === backslash) first -= 1;
  return (at - first) % 2 === 1;
}

function endOfValue(bytes: Buffer, start: number): number {
  const first = bytes[start] as number;
  if (first === quote) return endOfString(bytes, start);
  if (opens(first)) return endOfNested(bytes, start);
  let at = start;
  while (at < bytes.length && bytes[at] !== comma && bytes[at] !== closingBrace && !isSpace(bytes[at])) at += 1;
  return at;
}

function endOfNested(bytes: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte === quote) {
      at = endOfString(bytes, at);
      continue;
    }
    at += 1;
    if (opens(byte)) depth += 1;
    else if (closes(byte)) depth -= 1;
    if (depth === 0) break;
  }
  return at;
}
