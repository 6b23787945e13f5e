import type { ServerResponse } from 'node:http';
import type { TaskRequest, TaskResult } from '@will/client';
import { newId } from '@will/contracts';
import { readerStallMs } from '@will/core';
import { type Admission, clientAsking } from '../../admission/admission.ts';
import { RejectionCache, type Starter } from '../../admission/rejection-cache.ts';
import {
  decisionHeaders,
  HttpError,
  noticeHeaders,
  sendError,
  toHttpError,
  tooMany,
} from '../../server/http/errors.ts';
import { readJsonBody } from '../../server/http/read-body.ts';
import type { Handler } from '../../server/http/server.ts';
import type { Backends } from '../../ports.ts';
import { readiness } from '../../server/readiness.ts';
import { Leaving, type UnderWay } from '../../admission/under-way.ts';
import type { Asked, Dialect } from './dialect.ts';
import type { OtherFields } from './forwarded-fields.ts';
import { type ModelHeaders, modelHeaders } from './model-headers.ts';
import { TaskStream } from './task-stream.ts';

/** Options of a text task beside its input. */
export interface TaskOptions {
  readonly backends: Backends;
  /** One task more than may be in flight is answered 429. */
  readonly admission: Admission;
  readonly largeBodies: Admission;
  readonly underWay: UnderWay;
  readonly nowMs: () => number;
  /** Told how many fields of a request its answer was made without; only where there are some. */
  readonly onIgnored?: (count: number) => void;
  /** Told of failures that are the gateway's own. */
  readonly onError: (what: string, error: unknown) => void;
}

/** Text tasks in the words of one dialect, plain and streamed. */
export function answerText(dialect: Dialect, options: TaskOptions): Handler {
  const { backends, admission, nowMs, onError, underWay } = options;
  const { errorBody } = dialect;
  const rejections = new RejectionCache();
  return async (request, response) => {
    const asking = clientAsking(request.headers);
    let isIn = false;
    try {
      isIn = admission.enter(asking);
      if (!isIn) throw overloaded(admission, asking);
      const bytes = await readJsonBody(request, response, options);
      const { client, snapshot } = backends;
      if (!client || !snapshot) throw notReady(backends);
      const createdUnixSeconds = Math.floor(nowMs() / 1000);
      const answerFor = { taskId: newId(), createdUnixSeconds, secret: backends.sessionSecret };
      const asked = dialect.read(bytes, request, snapshot, answerFor);
      const tasks = rejections.before(client, asking);
      const headersOf = modelHeaders(snapshot, asked.others);
      const result = asked.isStreamed
        ? await answerStreamed(tasks, asked, response, { errorBody, headersOf, onError, underWay })
        : await answerWhole(tasks, asked, response, { headersOf, underWay });
      if (result) countIgnored(options, asked.others, result);
    } catch (thrown) {
      const error = toHttpError(thrown);
      if (error.status === 500) onError(`${request.method} ${request.url}`, error.cause ?? error);
      sendError(response, error, errorBody);
    } finally {
      if (isIn) admission.leave(asking);
    }
  };
}

function answerWhole(
  client: Starter,
  { task, whole }: Asked,
  response: ServerResponse,
  { headersOf, underWay }: { readonly headersOf: ModelHeaders; readonly underWay: UnderWay },
): Promise<TaskResult> {
  return startWhole(client, task, response, underWay).then((result) => {
    if (!response.destroyed) sendAnswer(response, result, headersOf, 'application/json; charset=utf-8', whole(result));
    return result;
  });
}

/** Names are the caller's own: only their number is counted. */
export function countIgnored(
  { onIgnored }: Pick<TaskOptions, 'onIgnored'>,
  others: OtherFields,
  { model }: TaskResult,
): void {
  const ignored = others.ignoredBy(model);
  if (ignored.length > 0) onIgnored?.(new Set(ignored).size);
}

/** Runs a task for as long as its caller and the server wait for it. */
export const startWhole = (
  client: Starter,
  task: TaskRequest,
  response: ServerResponse,
  underWay: UnderWay,
): Promise<TaskResult> =>
  underWay.run(whenLeft(response), (signal) => client.start({ ...task, signal }, false, ignore));

/** A whole answer with what is known of how it came about. */
export function sendAnswer(
  response: ServerResponse,
  result: TaskResult,
  headersOf: ModelHeaders,
  contentType: string,
  content: string | Uint8Array,
): void {
  response.writeHead(200, [
    'content-type',
    contentType,
    'content-length',
    String(Buffer.byteLength(content)),
    'x-will-model',
    result.model,
    ...headersOf(result.model),
    ...noticeHeaders(result.notices),
    ...decisionHeaders(result.taskId, result.decisionId, result.attempts),
  ]);
  response.end(content);
  // Most answers lie in the system's buffers by now. Node counts a part of the body that the reader takes as progress.
  if (response.writableLength > 0) response.setTimeout(readerStallMs, () => response.destroy());
}

async function answerStreamed(
  client: Starter,
  asked: Asked,
  response: ServerResponse,
  {
    errorBody,
    headersOf,
    onError,
    underWay,
  }: Pick<Dialect, 'errorBody'> & Pick<TaskOptions, 'onError' | 'underWay'> & { readonly headersOf: ModelHeaders },
): Promise<TaskResult | undefined> {
  const left = whenLeft(response);
  const taskId = asked.task.taskId as string;
  const stream = new TaskStream(response, {
    taskId,
    form: asked.streamed(),
    headersOf,
    errorBody,
    onGivenUp: () => left.abort(),
  });
  try {
    const result = await underWay.run(left, (signal) =>
      client.start({ ...asked.task, signal }, true, (part) => stream.take(part)),
    );
    stream.end(result);
    return result;
  } catch (thrown) {
    const error = toHttpError(thrown);
    if (error.status === 500) onError(`the answer of task ${taskId}`, error.cause ?? error);
    stream.fail(error);
    return undefined;
  }
}

const ignore = (): void => {};

/** Aborts once the caller has gone before its answer was complete, which cancels the task. */
function whenLeft(response: ServerResponse): Leaving {
  const left = new Leaving();
  response.on('close', () => {
    if (!response.writableFinished) left.abort();
  });
  if (response.destroyed) left.abort();
  return left;
}

/** There is no room for one more of this client; when there may be is said with it. */
export const overloaded = (admission: Admission, client: string): HttpError =>
  tooMany(
    admission.whyFull(client) ?? `${admission.most} tasks are in flight here already`,
    admission.retryAfterMs(client),
  );

/** The error while the gateway cannot answer a task. */
export const notReady = (backends: Backends): HttpError =>
  new HttpError(503, 'unavailable', readiness(backends).reason ?? 'the gateway is starting', {
    headers: ['retry-after', '1'],
  });
