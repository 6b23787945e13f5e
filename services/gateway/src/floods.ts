import { type TaskClient, TaskError, type TaskRequest } from '@will/client';
import { queueTimeoutMs } from '@will/core';
import { type HttpError, tooMany } from './http/errors.ts';

/** So many tasks of one kind refused as overloaded within the time below are a flood. */
const refusedOfAFlood = 5;
/** How long a flood is answered here, at most: no longer than the line at the model moves a little. */
const longestMs = 100;
/** Of the patience of the tasks: a line is never longer than that, and must not run dry meanwhile. */
const patienceShare = 0.1;
const mostKinds = 1_000;

/** What gets tasks done. */
export type Starter = Pick<TaskClient, 'start'>;

interface Flood {
  /** Refusals since `sinceMs`. */
  refused: number;
  sinceMs: number;
  /** Until when it is answered here; who has more patience than `patienceMs` is asked for all the same. */
  untilMs: number;
  patienceMs: number;
  retryAfterMs: number;
  why: string;
}

/**
 * Floods of tasks that are refused one by one. Each refusal costs server, bus and router as much time as a task that is
 * done, which all others wait for: where several of one client and kind were refused just now, the next ones are
 * answered here, until the router is asked again a tenth of a second later. Who comes rarely is never answered here.
 */
export class Floods {
  readonly #nowMs: () => number;
  readonly #byKind = new Map<string, Flood>();

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** What tasks are given to that come from one client: they are asked for there unless they are part of a flood. */
  before(tasks: Starter, client: string): Starter {
    return {
      start: async (task, stream, onPart) => {
        const refusal = this.refusal(task, client);
        if (refusal) throw refusal;
        try {
          return await tasks.start(task, stream, onPart);
        } catch (error) {
          this.failed(task, client, error);
          throw error;
        }
      },
    };
  }

  /** Why a task need not be asked for now; undefined: it is to be asked for. */
  refusal(task: TaskRequest, client: string): HttpError | undefined {
    if (this.#byKind.size === 0) return undefined;
    const flood = this.#byKind.get(kindOf(task, client));
    if (!flood || this.#nowMs() >= flood.untilMs || patienceOf(task) > flood.patienceMs) return undefined;
    return tooMany(`${flood.why}; ${flood.refused} tasks like it were refused just now`, flood.retryAfterMs);
  }

  /** Learns how a task ended that was asked for. */
  failed(task: TaskRequest, client: string, error: unknown): void {
    if (!(error instanceof TaskError) || error.code !== 'overloaded') return;
    const nowMs = this.#nowMs();
    const kind = kindOf(task, client);
    const flood = this.#current(kind, nowMs);
    flood.refused += 1;
    flood.patienceMs = Math.min(flood.patienceMs, patienceOf(task));
    flood.why = error.message;
    flood.retryAfterMs = error.retryAfterMs;
    if (flood.refused === refusedOfAFlood)
      flood.untilMs = nowMs + Math.min(longestMs, patienceShare * flood.patienceMs);
  }

  #current(kind: string, nowMs: number): Flood {
    const known = this.#byKind.get(kind);
    if (known && nowMs < Math.max(known.untilMs, known.sinceMs + longestMs)) return known;
    if (!known && this.#byKind.size >= mostKinds) this.#forget(nowMs);
    const flood = {
      refused: 0,
      sinceMs: nowMs,
      untilMs: 0,
      patienceMs: Number.POSITIVE_INFINITY,
      retryAfterMs: 0,
      why: '',
    };
    this.#byKind.set(kind, flood);
    return flood;
  }

  #forget(nowMs: number): void {
    for (const [kind, { sinceMs, untilMs }] of this.#byKind)
      if (nowMs >= Math.max(untilMs, sinceMs + longestMs)) this.#byKind.delete(kind);
    if (this.#byKind.size >= mostKinds) this.#byKind.clear();
  }
}

const patienceOf = ({ timeoutMs = queueTimeoutMs }: TaskRequest): number => timeoutMs;

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
