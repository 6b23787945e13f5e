import { fieldsKind, imagesIn, type TaskInput, type TaskKind, defaultTypeOf, vectorBytes, vectorOf } from '@will/core';
import { type TaskClient, TaskError, type TaskRequest, type TaskResult } from './api.ts';

/** A task of one kind: what goes in has that kind's shape. `type` may stay away: it is the kind's usual one. */
export type TypedRequest<K extends TaskKind> = Omit<TaskRequest, 'type' | 'input' | 'inputKind'> & {
  readonly type?: string;
  readonly input: TaskInput<K>;
};

/** A result with its output in the form of its kind. */
export type TypedResult<T> = TaskResult & { readonly value: T };

/** Bytes of one media type. */
export interface Bytes {
  readonly bytes: Uint8Array;
  /** Its media type: `audio/mpeg`. */
  readonly type: string;
}

/** A document's place in the answer of a reranking. */
export interface Ranked {
  /** Which of the documents that were given. */
  readonly index: number;
  readonly score: number;
}

/** Texts as vectors, in their order. @throws {TaskError} */
export async function embed(
  client: TaskClient,
  request: TypedRequest<'embedding'>,
): Promise<TypedResult<readonly (readonly number[])[]>> {
  const result = await runTyped(client, 'embedding', ['embedding'], request);
  const { dimensions } = parsed(result) as { readonly dimensions?: unknown };
  const vectors = vectorBytes(result.data ?? nothing, typeof dimensions === 'number' ? dimensions : 0).map(vectorOf);
  if (vectors.length !== request.input.input.length)
    throw unfit(result, `${vectors.length} vectors came for ${request.input.input.length} texts`);
  return { ...result, value: vectors };
}

/** Transcribes a recording. @throws {TaskError} */
export async function transcribe(
  client: TaskClient,
  request: TypedRequest<'transcription'>,
): Promise<TypedResult<string>> {
  const result = await runTyped(client, 'transcription', ['text'], request);
  return { ...result, value: result.output };
}

/** A text as sound. @throws {TaskError} */
export async function speak(client: TaskClient, request: TypedRequest<'speech'>): Promise<TypedResult<Bytes>> {
  return bytesOf(await runTyped(client, 'speech', ['audio'], request), 'no sound came');
}

/** An image. @throws {TaskError} */
export async function draw(client: TaskClient, request: TypedRequest<'image'>): Promise<TypedResult<Bytes>> {
  const result = await drawSome(client, request);
  return { ...result, value: result.value[0] as Bytes };
}

/** As many images as came of those that were asked for by `n`; at least one. @throws {TaskError} */
export async function drawSome(
  client: TaskClient,
  request: TypedRequest<'image'>,
): Promise<TypedResult<readonly Bytes[]>> {
  const result = bytesOf(await runTyped(client, 'image', ['image'], request), 'no image came');
  const { bytes, type } = result.value;
  const images = imagesIn(result.output, bytes);
  if (images.length === 0) throw unfit(result, 'the images are not as large as was said');
  return { ...result, value: images.map((image) => ({ bytes: image, type })) };
}

/** Documents by how well they answer a query, best first. @throws {TaskError} */
export async function rerank(
  client: TaskClient,
  request: TypedRequest<'rerank'>,
): Promise<TypedResult<readonly Ranked[]>> {
  const result = await runTyped(client, 'rerank', ['score'], request);
  const ranking = parsed(result);
  const count = request.input.documents.length;
  const isRanked = ({ index, score }: Partial<Ranked>): boolean =>
    typeof index === 'number' && index >= 0 && index < count && typeof score === 'number';
  if (!Array.isArray(ranking) || !ranking.every(isRanked)) throw unfit(result, 'no ranking came');
  return { ...result, value: ranking as Ranked[] };
}

/** A task of a type that a document describes. */
export type FieldsRequest = Omit<TaskRequest, 'input' | 'inputKind'> & {
  readonly fields: Readonly<Record<string, unknown>>;
};

/**
 * Runs a task by the fields of its type's document. `value` is the answer read as JSON where the document says what it
 * must be, else its text. @throws {TaskError} also where an answer that should be JSON is none
 */
export async function runFields(
  client: TaskClient,
  { fields, ...rest }: FieldsRequest,
  answers: 'json' | 'text' = 'json',
): Promise<TypedResult<unknown>> {
  const input = encoder.encode(JSON.stringify(fields));
  const result = await client.run({ ...rest, inputKind: fieldsKind, input });
  if (answers === 'text') return { ...result, value: result.output };
  try {
    return { ...result, value: JSON.parse(result.output) as unknown };
  } catch {
    throw unfit(result, 'the answer is no JSON');
  }
}

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

function runTyped<K extends TaskKind>(
  client: TaskClient,
  kind: K,
  outputModalities: NonNullable<TaskRequest['outputModalities']>,
  { input, type, ...rest }: TypedRequest<K>,
): Promise<TaskResult> {
  const bytes = encoder.encode(JSON.stringify(input));
  return client.run({ outputModalities, ...rest, type: type ?? defaultTypeOf[kind], inputKind: kind, input: bytes });
}

function bytesOf(result: TaskResult, missing: string): TypedResult<Bytes> {
  const { data, dataType } = result;
  if (!data) throw unfit(result, missing);
  return { ...result, value: { bytes: data, type: dataType ?? '' } };
}

function parsed({ output }: TaskResult): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return {};
  }
}

/** The model answered, and not what was asked. */
const unfit = ({ taskId, decisionId, attempts }: TaskResult, message: string): TaskError =>
  new TaskError('all_failed', message, { taskId, decisionId, attempts });
