/**
 * Inputs that are no chat, by the `input_kind` of their task: JSON of these shapes. What comes back stands in the
 * output's text, or as bytes in its data.
 */
export interface TaskInputs {
  /** Data: the vectors one after another, 32-bit floats, little-endian. Text: JSON {count, dimensions}. */
  readonly embedding: {
    /** Texts, or each as the ids of its tokens: only the model whose ids they are can read those. */
    readonly input: readonly string[] | readonly (readonly number[])[];
    readonly dimensions?: number;
  };
  /** Text: what was said, or in a format with times what the vendor made of it. */
  readonly transcription: {
    /** Base64. */
    readonly audio: string;
    /** Its ending tells the format where the media type does not. */
    readonly file_name: string;
    readonly media_type?: string;
    /** ISO 639-1. */
    readonly language?: string;
    readonly prompt?: string;
    readonly temperature?: number;
    /** Absent: the plain text. */
    readonly format?: 'verbose_json' | 'srt' | 'vtt';
    /** What was said is wanted in English. */
    readonly into_english?: true;
    /** Only with `verbose_json`. */
    readonly timestamps?: readonly ('word' | 'segment')[];
  };
  /** Data: the sound, in the form that its media type names. */
  readonly speech: {
    readonly text: string;
    readonly voice: string;
    readonly format: 'mp3' | 'opus' | 'aac' | 'flac' | 'wav' | 'pcm';
    /** 0.25 to 4. */
    readonly speed?: number;
    readonly instructions?: string;
  };
  /** Text: JSON [{index, score}], best first. */
  readonly rerank: { readonly query: string; readonly documents: readonly string[]; readonly top_n?: number };
  /** Data: the images one after another. Text: JSON {sizes}, how many bytes each has. `size` in pixels: 1024x1024. */
  readonly image: { readonly prompt: string; readonly n?: number; readonly size?: string; readonly quality?: string };
}

/** The kind of a task's input. */
export type TaskKind = keyof TaskInputs;
/** The input of a task by its kind. */
export type TaskInput<K extends TaskKind> = TaskInputs[K];

type Check = (value: unknown) => boolean;
const anyText: Check = (value) => typeof value === 'string';
const text: Check = (value) => typeof value === 'string' && value !== '';
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const upTo =
  (most: number): Check =>
  (value) =>
    whole(value) && (value as number) <= most;
const between =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most;
const listOf =
  (check: Check, most: number): Check =>
  (value) =>
    Array.isArray(value) && value.length >= 1 && value.length <= most && value.every(check);
const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const tokenId: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const shapes: { readonly [K in TaskKind]: { readonly [F in keyof Required<TaskInputs[K]>]: Check } } = {
  embedding: {
    input: either(listOf(text, 2_048), listOf(listOf(tokenId, 100_000), 2_048)),
    dimensions: optional(whole),
  },
  transcription: {
    audio: matching(/^[A-Za-z0-9+/]+={0,2}$/),
    file_name: text,
    media_type: optional(anyText),
    language: optional(anyText),
    prompt: optional(anyText),
    temperature: optional(between(0, 1)),
    format: optional(matching(/^(verbose_json|srt|vtt)$/)),
    timestamps: optional(listOf(matching(/^(word|segment)$/), 2)),
    into_english: optional((value) => value === true),
  },
  speech: {
    text,
    voice: text,
    format: matching(/^(mp3|opus|aac|flac|wav|pcm)$/),
    speed: optional(between(0.25, 4)),
    instructions: optional(anyText),
  },
  rerank: { query: text, documents: listOf(anyText, 1_000), top_n: optional(whole) },
  image: {
    prompt: text,
    n: optional(upTo(10)),
    size: optional(matching(/^(auto|\d{2,5}x\d{2,5})$/)),
    quality: optional(anyText),
  },
};

/** The task type that is meant where nobody names one. */
export const defaultTypeOf: Readonly<Record<TaskKind, string>> = {
  embedding: 'embedding',
  transcription: 'transcription',
  speech: 'speech',
  rerank: 'rerank',
  image: 'image_gen',
};

/** True of inputs of embeddings that are texts, and not ids of tokens. */
export const areTexts = (input: TaskInput<'embedding'>['input']): input is readonly string[] =>
  typeof input[0] === 'string';

/** A parsed input as one of a kind; undefined: it is none. A field that the kind does not have makes it none. */
export function readTaskInput<K extends TaskKind>(kind: K, value: unknown): TaskInput<K> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const shape: Readonly<Record<string, Check>> = shapes[kind];
  const stated = value as Readonly<Record<string, unknown>>;
  const isKnown = Object.keys(stated).every((field) => Object.hasOwn(shape, field));
  const isGood = Object.entries(shape).every(([field, check]) => check(stated[field]));
  return isKnown && isGood ? (value as TaskInput<K>) : undefined;
}

/** True of a kind that this version knows. */
export const isTaskKind = (kind: string): kind is TaskKind => Object.hasOwn(shapes, kind);

/** Vectors as the bytes that travel. */
export function vectorsToBytes(vectors: readonly (readonly number[])[]): Uint8Array {
  const dimensions = vectors[0]?.length ?? 0;
  const bytes = new Uint8Array(vectors.length * dimensions * 4);
  const view = new DataView(bytes.buffer);
  for (const [row, vector] of vectors.entries())
    for (const [column, value] of vector.entries()) view.setFloat32((row * dimensions + column) * 4, value, true);
  return bytes;
}

/** The bytes of each vector. */
export function vectorBytes(data: Uint8Array, dimensions: number): readonly Uint8Array[] {
  const size = dimensions * 4;
  if (size === 0) return [];
  return Array.from({ length: Math.floor(data.length / size) }, (_, row) =>
    data.subarray(row * size, (row + 1) * size),
  );
}

/** Each of several pieces that travel one after another; sizes that do not fit the data give nothing. */
export function piecesOf(data: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  if (sizes.reduce((sum, size) => sum + size, 0) !== data.length) return [];
  let at = 0;
  return sizes.map((size) => data.subarray(at, (at += size)));
}

/** The images of an output, by the sizes that stand in its text; without them it is one. */
export function imagesIn(text: string, data: Uint8Array): readonly Uint8Array[] {
  const stated = /^\{"sizes":\[(\d+(?:,\d+)*)\]\}$/.exec(text)?.[1];
  return stated === undefined ? [data] : piecesOf(data, stated.split(',').map(Number));
}

/** One vector's numbers. */
export function vectorOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, column) => view.getFloat32(column * 4, true));
}
