import type { ServerResponse } from 'node:http';
import type { TaskClient, TaskRequest } from '@will/client';
import { newId } from '@will/contracts';
import { decisionHeaders, HttpError, toHttpError } from '../http/errors.ts';
import { readJsonBody } from '../http/read-body.ts';
import type { Handler } from '../http/server.ts';
import type { Admission } from '../admission.ts';
import { readiness } from '../readiness.ts';
import type { Surroundings } from '../ports.ts';
import { chatAnswer } from './chat-answer.ts';
import { ChatStream } from './chat-stream.ts';
import { chatTask } from './chat-task.ts';
import { readFacts } from './facts.ts';
import { readChat } from './read-chat.ts';

export interface ChatOptions {
  readonly surroundings: Surroundings;
  /** One task more than may be in flight is answered 429. */
  readonly admission: Admission;
  readonly nowMs: () => number;
  /** Told of failures that are the gateway's own. */
  readonly onError: (what: string, error: unknown) => void;
}

/** `POST /v1/chat/completions`, plain and streamed. */
export function chatCompletions({ surroundings, admission, nowMs, onError }: ChatOptions): Handler {
  return async (request, response) => {
    if (!admission.enter()) throw overloaded(admission.most);
    try {
      const chat = readChat(await readJsonBody(request));
      const facts = readFacts(request.headers, chat.body.metadata);
      const { client, snapshot } = surroundings;
      if (!client || !snapshot) throw notReady(surroundings);
      const task = chatTask(chat, facts, snapshot, newId());
      const createdUnixSeconds = Math.floor(nowMs() / 1000);
      if (chat.body.stream !== true) return await answerWhole(client, task, response, createdUnixSeconds);
      const includeUsage = chat.body.stream_options?.include_usage === true;
      await answerStreamed(client, task, response, { createdUnixSeconds, includeUsage, onError });
    } finally {
      admission.leave();
    }
  };
}

async function answerWhole(
  client: TaskClient,
  task: TaskRequest,
  response: ServerResponse,
  createdUnixSeconds: number,
): Promise<void> {
  const result = await client.start({ ...task, signal: whenLeft(response).signal }, false, ignore);
  if (response.destroyed) return;
  const body = Buffer.from(chatAnswer(result, createdUnixSeconds));
  response.writeHead(200, [
    'content-type',
    'application/json; charset=utf-8',
    'content-length',
    String(body.length),
    'x-will-model',
    result.model,
    ...decisionHeaders(result.taskId, result.decisionId, result.attempts),
  ]);
  response.end(body);
}

async function answerStreamed(
  client: TaskClient,
  task: TaskRequest,
  response: ServerResponse,
  options: { createdUnixSeconds: number; includeUsage: boolean; onError: ChatOptions['onError'] },
): Promise<void> {
  const left = whenLeft(response);
  const taskId = task.taskId as string;
  const stream = new ChatStream(response, { ...options, taskId, onStalled: () => left.abort() });
  try {
    stream.end(await client.start({ ...task, signal: left.signal }, true, (part) => stream.take(part)));
  } catch (thrown) {
    const error = toHttpError(thrown);
    if (error.status === 500) options.onError(`the answer of task ${taskId}`, error.cause ?? error);
    stream.fail(error);
  }
}

const ignore = (): void => {};

/** Aborts once the caller has gone before its answer was complete, which cancels the task. */
function whenLeft(response: ServerResponse): AbortController {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort();
  });
  if (response.destroyed) left.abort();
  return left;
}

const overloaded = (maxTasks: number): HttpError =>
  new HttpError(429, 'overloaded', `${maxTasks} tasks are in flight here already`, { headers: ['retry-after', '1'] });

const notReady = (surroundings: Surroundings): HttpError =>
  new HttpError(503, 'unavailable', readiness(surroundings).reason ?? 'the gateway is starting', {
    headers: ['retry-after', '1'],
  });
