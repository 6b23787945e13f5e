import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProviderConfigError } from '../port.ts';
import { type GgufHeader, parseGgufHeader } from './header.ts';
import { HeaderProblem } from './header-cursor.ts';
import { quantisationOf } from './tensor-types.ts';

/** Facts that a model's file states of it. Undefined: the file does not say. */
export interface GgufModel {
  readonly name: string | undefined;
  readonly architecture: string;
  readonly parameters: number;
  readonly quantisation: string | undefined;
  /** Tokens that it was trained for. */
  readonly contextTokens: number | undefined;
  /** Of all files that belong to it. */
  readonly weightBytes: number;
  /** Bytes of keys and values that one token of context takes, as 16-bit numbers. */
  readonly keyValueBytesPerToken: number;
  readonly vocabulary: number;
  readonly width: number;
  /** It makes vectors and no text. */
  readonly isEmbedding: boolean;
  readonly hasChatTemplate: boolean;
}

const firstReadBytes = 1024 * 1024;
/** The longest headers known hold a vocabulary of 262,144 words: about 16 MiB. */
const maxHeaderBytes = 64 * 1024 * 1024;

/**
 * Reads what a GGUF file says of itself, and of the files that belong to it where a model is split over several.
 * @throws {ProviderConfigError} says what is wrong, naming the file as the document does.
 */
export async function describeGguf(path: string, shownPath = path): Promise<GgufModel> {
  const header = await readHeaderOf(path, shownPath);
  const others = await Promise.all(
    otherParts(header, path, shownPath).map((part) => readHeaderOf(part, basename(part))),
  );
  const all = [header, ...others];
  return {
    ...describe(header, shownPath),
    weightBytes: all.reduce((sum, { tensorBytes }) => sum + tensorBytes, 0),
    parameters: all.reduce((sum, { parameters }) => sum + parameters, 0),
  };
}

async function readHeaderOf(path: string, shownPath: string): Promise<GgufHeader> {
  const file = await open(path).catch(() => undefined);
  if (!file) throw new ProviderConfigError(`file ${shownPath} is not there or cannot be read`);
  try {
    const { size } = await file.stat();
    let length = Math.min(size, firstReadBytes);
    while (true) {
      const header = parseGgufHeader(await firstBytes(file, length), size);
      if (header !== 'more') return header;
      if (length >= Math.min(size, maxHeaderBytes)) throw new HeaderProblem('is damaged: its header has no end');
      length = Math.min(size, length * 4, maxHeaderBytes);
    }
  } catch (error) {
    if (error instanceof HeaderProblem) throw new ProviderConfigError(`file ${shownPath} ${error.message}`);
    throw new ProviderConfigError(`file ${shownPath} cannot be read`, { cause: error });
  } finally {
    await file.close();
  }
}

async function firstBytes(file: FileHandle, length: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, at);
    if (bytesRead === 0) throw new HeaderProblem('became shorter while it was read');
    at += bytesRead;
  }
  return bytes;
}

const maxParts = 1_000;

/** The other files of a split model: beside the first one, by the names that llama.cpp gives; none that a header names. */
function otherParts({ fields }: GgufHeader, path: string, shownPath: string): string[] {
  const count = fields.get('split.count');
  if (typeof count !== 'number' || count <= 1) return [];
  const named = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(basename(path));
  if (!named || Number(named[2]) !== count || count > maxParts)
    throw new ProviderConfigError(
      `file ${shownPath} is one part of a model in ${count}; name the first one, which ends in -00001-of-${String(count).padStart(5, '0')}.gguf`,
    );
  return Array.from({ length: count - 1 }, (_, n) =>
    join(dirname(path), `${named[1]}-${String(n + 2).padStart(5, '0')}-of-${named[2]}.gguf`),
  );
}

type Described = Omit<GgufModel, 'weightBytes' | 'parameters'>;

function describe({ fields }: GgufHeader, shownPath: string): Described {
  const architecture = fields.get('general.architecture');
  if (typeof architecture !== 'string' || architecture === '')
    throw new ProviderConfigError(`file ${shownPath} does not say its architecture`);
  const number = (field: string): number | undefined => {
    const value = fields.get(`${architecture}.${field}`);
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const width = number('embedding_length') ?? 0;
  const tokens = fields.get('tokenizer.ggml.tokens');
  const name = fields.get('general.name');
  return {
    name: typeof name === 'string' && name.trim() !== '' ? name.trim() : undefined,
    architecture,
    quantisation: quantisationOf(fields.get('general.file_type')),
    contextTokens: number('context_length'),
    keyValueBytesPerToken: keyValueBytes(fields, architecture, width, number),
    vocabulary: lengthOf(tokens) ?? number('vocab_size') ?? 0,
    width,
    isEmbedding: fields.has(`${architecture}.pooling_type`),
    hasChatTemplate: fields.has('tokenizer.chat_template'),
  };
}

/** Both 16 bits wide: llama.cpp's default for keys and values. */
const bytesOfValue = 2;

/**
 * Bytes of keys and values for a token: layers × key and value heads × the width of both. Architectures that keep less
 * (a sliding window, a compressed or recurrent state) need less than this says, none needs more.
 */
function keyValueBytes(
  fields: GgufHeader['fields'],
  architecture: string,
  width: number,
  number: (field: string) => number | undefined,
): number {
  const layers = number('block_count') ?? 0;
  const heads = number('attention.head_count') ?? maximum(fields.get(`${architecture}.attention.head_count`)) ?? 1;
  const headWidth = width / Math.max(1, heads);
  const bothWidths = (number('attention.key_length') ?? headWidth) + (number('attention.value_length') ?? headWidth);
  const perLayer = fields.get(`${architecture}.attention.head_count_kv`);
  const allHeads = isNumbers(perLayer)
    ? perLayer.reduce((sum, count) => sum + count, 0)
    : layers * (typeof perLayer === 'number' ? perLayer : heads);
  return Math.ceil(allHeads * bothWidths * bytesOfValue);
}

const isNumbers = (value: unknown): value is readonly number[] => Array.isArray(value);
const maximum = (value: unknown): number | undefined => (isNumbers(value) ? Math.max(1, ...value) : undefined);
const lengthOf = (value: unknown): number | undefined =>
  typeof value === 'object' && value !== null ? (value as { readonly length: number }).length : undefined;
