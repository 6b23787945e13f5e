import { type TaskClient, TaskError, type TaskRequest } from '@will/client';
import { queueTimeoutMs } from '@will/core';
import { type HttpError, tooMany } from '../server/http/errors.ts';

/** So many tasks of one kind refused as overloaded within the time below are a rejections. */
const rejectionsToCache = 5;
/** How long a rejections is answered here, at most: no longer than the queue of the model moves a little. */
const maxMs = 100;
/** Share of the timeout of the tasks: a queue is never longer than that, and must not run dry meanwhile. */
const timeoutShare = 0.1;
const maxKinds = 1_000;

/** Gets tasks done. */
export type Starter = Pick<TaskClient, 'start'>;

interface Rejections {
  /** Refusals since `sinceMs`. */
  refused: number;
  sinceMs: number;
  /** Until when it is answered here; tasks with a longer timeout than `timeoutMs` are passed on all the same. */
  untilMs: number;
  timeoutMs: number;
  retryAfterMs: number;
  why: string;
}

/**
 * Cache of rejections: answers repeated tasks from memory. Each refusal costs server, bus and router as much time as a task that is
 * done, which all others wait for: where several of one client and kind were refused just now, the next ones are
 * answered here, until the router is asked again a tenth of a second later. Who comes rarely is never answered here.
 */
export class RejectionCache {
  readonly #nowMs: () => number;
  readonly #byKind = new Map<string, Rejections>();

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** What tasks are given to that come from one client: they are passed on unless the cache answers. */
  before(tasks: Starter, client: string): Starter {
    return {
      start: (task, stream, onPart) => {
        const refusal = this.refusal(task, client);
        if (refusal) return Promise.reject(refusal);
        const result = tasks.start(task, stream, onPart);
        result.catch((error: unknown) => this.failed(task, client, error));
        return result;
      },
    };
  }

  /** Why a task need not be asked for now; undefined: it is to be asked for. */
  refusal(task: TaskRequest, client: string): HttpError | undefined {
    if (this.#byKind.size === 0) return undefined;
    const rejections = this.#byKind.get(kindOf(task, client));
    if (!rejections || this.#nowMs() >= rejections.untilMs || timeoutOf(task) > rejections.timeoutMs) return undefined;
    return tooMany(
      `${rejections.why}; ${rejections.refused} tasks like it were refused just now`,
      rejections.retryAfterMs,
    );
  }

  /** Learns how a task ended that was asked for. */
  failed(task: TaskRequest, client: string, error: unknown): void {
    if (!(error instanceof TaskError) || error.code !== 'overloaded') return;
    const nowMs = this.#nowMs();
    const kind = kindOf(task, client);
    const rejections = this.#current(kind, nowMs);
    rejections.refused += 1;
    rejections.timeoutMs = Math.min(rejections.timeoutMs, timeoutOf(task));
    rejections.why = error.message;
    rejections.retryAfterMs = error.retryAfterMs;
    if (rejections.refused === rejectionsToCache)
      rejections.untilMs = nowMs + Math.min(maxMs, timeoutShare * rejections.timeoutMs);
  }

  #current(kind: string, nowMs: number): Rejections {
    const known = this.#byKind.get(kind);
    if (known && nowMs < Math.max(known.untilMs, known.sinceMs + maxMs)) return known;
    if (!known && this.#byKind.size >= maxKinds) this.#forget(nowMs);
    const rejections = {
      refused: 0,
      sinceMs: nowMs,
      untilMs: 0,
      timeoutMs: Number.POSITIVE_INFINITY,
      retryAfterMs: 0,
      why: '',
    };
    this.#byKind.set(kind, rejections);
    return rejections;
  }

  #forget(nowMs: number): void {
    for (const [kind, { sinceMs, untilMs }] of this.#byKind)
      if (nowMs >= Math.max(untilMs, sinceMs + maxMs)) this.#byKind.delete(kind);
    if (this.#byKind.size >= maxKinds) this.#byKind.clear();
  }
}

const timeoutOf = ({ timeoutMs = queueTimeoutMs }: TaskRequest): number => timeoutMs;

/** All that a decision goes by; of the content its size, to a power of two. */
const kindOf = (task: TaskRequest, client: string): string =>
  [
    client,
    task.client,
    task.project,
    task.reflex,
    task.type,
    task.model,
    task.priority,
    task.dataClass,
    task.needs,
    task.inputModalities,
    task.outputModalities,
    task.maxOutputTokens,
    Math.clz32(sizeOf(task.input)),
  ].join('\u0000');

const sizeOf = (input: TaskRequest['input']): number =>
  typeof input === 'string' || input instanceof Uint8Array ? input.length : 0;
