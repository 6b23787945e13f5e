import { z } from 'zod';

/**
 * Inputs that are no chat, by the `input_kind` of their task: JSON of these shapes. What comes back stands in the
 * output's text, or as bytes in its data.
 */
const shapes = {
  /** Data: the vectors one after another, 32-bit floats, little-endian. Text: JSON {count, dimensions}. */
  embedding: z.strictObject({
    input: z.array(z.string().min(1)).min(1).max(2_048),
    dimensions: z.int().min(1).max(100_000).optional(),
  }),
  /** Text: what was said. */
  transcription: z.strictObject({
    /** Base64. */
    audio: z.base64().min(1),
    /** Its ending tells the format where the media type does not. */
    file_name: z.string().min(1).max(256),
    media_type: z.string().max(128).optional(),
    /** ISO 639-1. */
    language: z.string().max(16).optional(),
    prompt: z.string().optional(),
    temperature: z.number().min(0).max(1).optional(),
  }),
  /** Data: the sound, in the form that its media type names. */
  speech: z.strictObject({
    text: z.string().min(1).max(100_000),
    voice: z.string().min(1).max(128),
    format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']),
    speed: z.number().min(0.25).max(4).optional(),
    instructions: z.string().optional(),
  }),
  /** Text: JSON [{index, score}], best first. */
  rerank: z.strictObject({
    query: z.string().min(1),
    documents: z.array(z.string()).min(1).max(1_000),
    top_n: z.int().min(1).optional(),
  }),
  /** Data: one image. */
  image: z.strictObject({
    prompt: z.string().min(1),
    /** Pixels: 1024x1024. */
    size: z
      .string()
      .regex(/^(auto|\d{2,5}x\d{2,5})$/)
      .optional(),
    quality: z.string().max(32).optional(),
  }),
} as const;

export type TaskKind = keyof typeof shapes;
export type TaskInput<K extends TaskKind> = z.infer<(typeof shapes)[K]>;

/** The task type that is meant where nobody names one. */
export const usualTypeOf: Readonly<Record<TaskKind, string>> = {
  embedding: 'embedding',
  transcription: 'transcription',
  speech: 'speech',
  rerank: 'rerank',
  image: 'image_gen',
};

const decoder = new TextDecoder('utf-8', { fatal: true });

/** An input of a kind; undefined: it is none. */
export function readTaskInput<K extends TaskKind>(kind: K, input: Uint8Array): TaskInput<K> | undefined {
  try {
    const parsed = shapes[kind].safeParse(JSON.parse(decoder.decode(input)));
    return parsed.success ? (parsed.data as TaskInput<K>) : undefined;
  } catch {
    return undefined;
  }
}

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

/** One vector's numbers. */
export function vectorOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, column) => view.getFloat32(column * 4, true));
}
