import { isTaskKind, readTaskInput, type TaskInput, type TaskKind, type Usage, vectorsToBytes } from '@will/core';
import { type ContentDelta, estimatedUsage, type ModelCall } from '../port.ts';

/** A call that is no chat, as this side's HTTP. */
export interface MediaRequest {
  readonly path: string;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Of text in the input, which tokens are estimated by where the provider counts none: a recording's bytes are no text. */
  readonly textChars: number;
  /** The answer as content; undefined: it is none. */
  read(body: Buffer, contentType: string): MediaAnswer | undefined;
}

export interface MediaAnswer {
  readonly content: ContentDelta;
  /** Undefined: it told none. */
  readonly usage: Usage | undefined;
}

type Builder<K extends TaskKind> = (
  input: TaskInput<K>,
  model: string,
  attached: Uint8Array | undefined,
) => MediaRequest | Promise<MediaRequest>;

const builders: { readonly [K in TaskKind]: Builder<K> } = {
  embedding: ({ input, dimensions }, model) => ({
    textChars: charsOf(input),
    ...asJson('/embeddings', { model, input, encoding_format: 'float', dimensions }),
    read: (body) => readEmbeddings(parse(body), input.length),
  }),
  transcription: async (input, model, attached) => {
    const { audio, file_name: name, media_type: type, language, prompt, temperature, timestamps } = input;
    const format = input.format ?? 'json';
    const form = new FormData();
    const file = new File([attached ? bytesOf(attached) : Buffer.from(audio, 'base64')], name, {
      type: type ?? 'application/octet-stream',
    });
    form.set('file', file);
    form.set('model', model);
    form.set('response_format', format);
    if (language !== undefined) form.set('language', language);
    if (prompt !== undefined) form.set('prompt', prompt);
    if (temperature !== undefined) form.set('temperature', String(temperature));
    for (const granularity of timestamps ?? []) form.append('timestamp_granularities[]', granularity);
    const encoded = new Response(form);
    return {
      path: '/audio/transcriptions',
      contentType: encoded.headers.get('content-type') ?? '',
      body: new Uint8Array(await encoded.arrayBuffer()),
      textChars: prompt?.length ?? 0,
      read: (body, contentType) => readTranscript(format, body, contentType),
    };
  },
  speech: ({ text, voice, format, speed, instructions }, model) => ({
    textChars: text.length + (instructions?.length ?? 0),
    ...asJson('/audio/speech', { model, input: text, voice, response_format: format, speed, instructions }),
    read: (body, contentType) =>
      body.length > 0 && !contentType.includes('json')
        ? answerOf({ data: body, dataType: contentType || `audio/${format}` }, undefined)
        : undefined,
  }),
  rerank: ({ query, documents, top_n: top }, model) => ({
    textChars: query.length + charsOf(documents),
    ...asJson('/rerank', { model, query, documents, top_n: top, return_documents: false }),
    read: (body) => readRanking(parse(body), documents.length),
  }),
  image: ({ prompt, n = 1, size, quality }, model) => ({
    textChars: prompt.length,
    ...asJson('/images/generations', { model, prompt, n, size, quality, response_format: 'b64_json' }),
    read: (body) => readImages(parse(body), prompt),
  }),
};

/** The request for a call; undefined: its input is not of its kind, or nobody knows the kind. */
export async function mediaRequest(
  kind: string,
  input: Uint8Array,
  model: string,
  attachment?: ModelCall['attachment'],
): Promise<MediaRequest | undefined> {
  if (!isTaskKind(kind)) return undefined;
  const stated = parse(Buffer.from(input));
  if (!attachment) return await build(kind, stated, model, undefined);
  // Only recordings come so; what stands for it in the input is never read.
  if (attachment.field !== 'audio' || !stated || Object.hasOwn(stated, 'audio')) return undefined;
  return await build(kind, { ...stated, audio: 'AA==' }, model, attachment.content);
}

async function build(
  kind: TaskKind,
  stated: unknown,
  model: string,
  attached: Uint8Array | undefined,
): Promise<MediaRequest | undefined> {
  const read = readTaskInput(kind, stated);
  return read && (await (builders[kind] as Builder<TaskKind>)(read, model, attached));
}

/** The same bytes, as what files are made of. */
const bytesOf = (content: Uint8Array): Uint8Array<ArrayBuffer> => content as Uint8Array<ArrayBuffer>;

const charsOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);

const asJson = (path: string, body: object): Pick<MediaRequest, 'path' | 'contentType' | 'body'> => ({
  path,
  contentType: 'application/json',
  body: JSON.stringify(body),
});

type Answer = Readonly<Record<string, unknown>>;

function parse(body: Buffer): Answer | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Answer) : undefined;
  } catch {
    return undefined;
  }
}

const answerOf = (content: ContentDelta, answer: Answer | undefined): MediaAnswer => ({
  content,
  usage: usageOf(answer?.['usage']),
});

/** Vendors name the same two counts in two ways; what counts seconds is no count of tokens. */
function usageOf(usage: unknown): Usage | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined;
  const told = usage as Readonly<Record<string, unknown>>;
  const input = told['prompt_tokens'] ?? told['input_tokens'] ?? told['total_tokens'];
  if (typeof input !== 'number') return undefined;
  const output = told['completion_tokens'] ?? told['output_tokens'];
  return {
    inputTokens: input,
    outputTokens: typeof output === 'number' ? output : 0,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    estimated: false,
  };
}

/** Every vector, each at its index and all of one length. */
function readEmbeddings(answer: Answer | undefined, count: number): MediaAnswer | undefined {
  const data = answer?.['data'];
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors: number[][] = [];
  for (const entry of data as readonly { index?: unknown; embedding?: unknown }[]) {
    const index = typeof entry?.index === 'number' ? entry.index : vectors.length;
    if (!Array.isArray(entry?.embedding) || !entry.embedding.every((value) => typeof value === 'number'))
      return undefined;
    vectors[index] = entry.embedding as number[];
  }
  const dimensions = vectors[0]?.length ?? 0;
  const isWhole = vectors.length === count && dimensions > 0;
  if (!isWhole || !Array.from(vectors).every((vector) => vector?.length === dimensions)) return undefined;
  const text = JSON.stringify({ count, dimensions });
  return answerOf({ text, data: vectorsToBytes(vectors), dataType: 'application/x-float32' }, answer);
}

/** The form of Cohere and Jina, which vLLM and others serve, too. */
function readRanking(answer: Answer | undefined, count: number): MediaAnswer | undefined {
  const results = answer?.['results'];
  if (!Array.isArray(results)) return undefined;
  const ranking = (results as readonly { index?: unknown; relevance_score?: unknown }[]).map((entry) => ({
    index: entry?.index,
    score: entry?.relevance_score,
  }));
  const isGood = ranking.every(
    ({ index, score }) => Number.isInteger(index) && (index as number) < count && typeof score === 'number',
  );
  if (!isGood) return undefined;
  const sorted = ranking.sort((a, b) => (b.score as number) - (a.score as number));
  return answerOf({ text: JSON.stringify(sorted) }, answer);
}

/** A format with times is given on as it came: those who ask for it read it themselves. */
function readTranscript(format: string, body: Buffer, contentType: string): MediaAnswer | undefined {
  if (format === 'srt' || format === 'vtt') {
    const text = body.toString();
    return contentType.includes('json') || text.trim() === '' ? undefined : answerOf({ text }, undefined);
  }
  const answer = parse(body);
  if (typeof answer?.['text'] !== 'string') return undefined;
  return answerOf({ text: format === 'verbose_json' ? JSON.stringify(answer) : answer['text'] }, answer);
}

/** Every image that came; a vendor may make fewer than were asked for, and bills those. */
function readImages(answer: Answer | undefined, prompt: string): MediaAnswer | undefined {
  const entries = Array.isArray(answer?.['data']) ? (answer['data'] as readonly { b64_json?: unknown }[]) : [];
  const images = entries.map((entry) =>
    typeof entry?.b64_json === 'string' ? Buffer.from(entry.b64_json, 'base64') : nothing,
  );
  if (images.length === 0 || images.some(({ length }) => length === 0)) return undefined;
  const format = answer?.['output_format'];
  const content = {
    text: JSON.stringify({ sizes: images.map(({ length }) => length) }),
    data: Buffer.concat(images),
    dataType: `image/${typeof format === 'string' ? format : 'png'}`,
  };
  const usage = usageOf(answer?.['usage']) ?? estimatedUsage(prompt.length, 0);
  return { content, usage: { ...usage, images: images.length } };
}

const nothing = Buffer.alloc(0);
