import { areTexts, isTaskKind, readTaskInput, type TaskInput, type TaskKind } from '@will/core';
import type { ContentDelta, ModelCall } from '../port.ts';
import type { StatedUsage } from '../usage.ts';
import { detailsOf, type Fields, parseJson } from '../chat/unreadable.ts';
import { vectorsContent } from './vectors.ts';

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

/** An answer that is no chat. */
export interface MediaAnswer {
  readonly content: ContentDelta;
  /** Undefined: it stated none. */
  readonly usage: StatedUsage | undefined;
  /** How many images it holds. */
  readonly images?: number;
  /** Characters of what it made that are tokens. Absent: none. */
  readonly outputChars?: number;
}

type Builder<K extends TaskKind> = (
  input: TaskInput<K>,
  model: string,
  attached: Uint8Array | undefined,
) => MediaRequest | Promise<MediaRequest>;

const builders: { readonly [K in TaskKind]: Builder<K> } = {
  embedding: ({ input, dimensions }, model) => ({
    textChars: areTexts(input) ? charsOf(input) : input.reduce((sum, ids) => sum + ids.length * charsPerToken, 0),
    ...asJson('/embeddings', { model, input, encoding_format: 'float', dimensions }),
    read: (body) => readEmbeddings(parse(body.toString()), input.length),
  }),
  transcription: async (input, model, attached) => {
    const { audio, file_name: name, media_type: type, language, prompt, temperature, timestamps } = input;
    const format = input.format ?? 'json';
    const form = new FormData();
    const file = new File([attached ? bytesOf(attached) : Buffer.from(audio, 'base64')], name, {
      type: type ?? '',
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
      path: input.into_english ? '/audio/translations' : '/audio/transcriptions',
      contentType: String(encoded.headers.get('content-type')),
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
        ? answerOf({ data: body, dataType: contentType || `audio/${format}` }, {})
        : undefined,
  }),
  rerank: ({ query, documents, top_n: top }, model) => ({
    textChars: query.length + charsOf(documents),
    ...asJson('/rerank', { model, query, documents, top_n: top, return_documents: false }),
    read: (body) => readRanking(parse(body.toString()), documents.length),
  }),
  image: ({ prompt, n = 1, size, quality }, model) => ({
    textChars: prompt.length,
    ...asJson('/images/generations', { model, prompt, n, size, quality, response_format: 'b64_json' }),
    read: (body) => readImages(parse(body.toString())),
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
  const stated = parse(input);
  if (!attachment) return await build(kind, stated, model, undefined);
  // Only recordings come so; what stands for it in the input is never read.
  if (attachment.field !== 'audio' || Object.hasOwn(stated, 'audio')) return undefined;
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

/** As many as an estimate takes for one. */
const charsPerToken = 4;

const charsOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);

const asJson = (path: string, body: object): Pick<MediaRequest, 'path' | 'contentType' | 'body'> => ({
  path,
  contentType: 'application/json',
  body: JSON.stringify(body),
});

/** JSON of whatever shape: what is no object has none of the fields that are asked for. */
const parse = (json: string | Uint8Array): Fields => detailsOf(parseJson(json));

const answerOf = (content: ContentDelta, { usage }: Fields): MediaAnswer => ({ content, usage: statedUsage(usage) });

/** Vendors name the same two counts in two ways; what counts seconds is no count of tokens. */
function statedUsage(usage: unknown): StatedUsage | undefined {
  const stated = detailsOf(usage);
  const input = stated['prompt_tokens'] ?? stated['input_tokens'] ?? stated['total_tokens'];
  if (input === undefined || input === null) return undefined;
  const details = detailsOf(stated['input_token_details'] ?? stated['input_tokens_details']);
  const output = detailsOf(stated['output_token_details'] ?? stated['output_tokens_details']);
  return {
    input: [input],
    output: [stated['completion_tokens'] ?? stated['output_tokens'] ?? 0],
    cachedInput: details['cached_tokens'],
    audioInput: details['audio_tokens'],
    imageInput: details['image_tokens'],
    audioOutput: output['audio_tokens'],
    imageOutput: output['image_tokens'],
  };
}

/** Every vector, each at its index and all of one length. */
function readEmbeddings(answer: Fields, count: number): MediaAnswer | undefined {
  const { data } = answer;
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors: unknown[] = [];
  for (const { index, embedding } of data.map(detailsOf))
    vectors[typeof index === 'number' ? index : vectors.length] = embedding;
  const content = vectorsContent(vectors, count);
  return content && answerOf(content, answer);
}

/** The form of Cohere and Jina, which vLLM and others serve, too. */
function readRanking(answer: Fields, count: number): MediaAnswer | undefined {
  const { results } = answer;
  if (!Array.isArray(results)) return undefined;
  const ranking = results.map(detailsOf).map(({ index, relevance_score: score }) => ({ index, score }));
  if (!ranking.every(({ index, score }) => isIndex(index, count) && Number.isFinite(score))) return undefined;
  const sorted = ranking.sort((a, b) => (b.score as number) - (a.score as number));
  return answerOf({ text: JSON.stringify(sorted) }, answer);
}

const isIndex = (index: unknown, count: number): boolean =>
  Number.isInteger(index) && (index as number) >= 0 && (index as number) < count;

/** A format with times is given on as it came: those who ask for it read it themselves. */
function readTranscript(format: string, body: Buffer, contentType: string): MediaAnswer | undefined {
  if (format === 'srt' || format === 'vtt') {
    const text = body.toString();
    const isText = !contentType.includes('json') && text.trim() !== '';
    return isText ? { ...answerOf({ text }, {}), outputChars: text.length } : undefined;
  }
  const answer = parse(body.toString());
  const { text } = answer;
  if (typeof text !== 'string') return undefined;
  const content = { text: format === 'verbose_json' ? JSON.stringify(answer) : text };
  return { ...answerOf(content, answer), outputChars: text.length };
}

/** Every image that came; a vendor may make fewer than were asked for, and bills those. */
function readImages(answer: Fields): MediaAnswer | undefined {
  const { data, output_format: format } = answer;
  if (!Array.isArray(data) || data.length === 0) return undefined;
  const images = data
    .map(detailsOf)
    .map(({ b64_json: image }) => Buffer.from(typeof image === 'string' ? image : '', 'base64'));
  if (images.some(({ length }) => length === 0)) return undefined;
  const content = {
    text: JSON.stringify({ sizes: images.map(({ length }) => length) }),
    data: Buffer.concat(images),
    dataType: `image/${typeof format === 'string' ? format : 'png'}`,
  };
  return { ...answerOf(content, answer), images: images.length };
}
