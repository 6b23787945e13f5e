import type { CallMethod, TimeoutsDocument } from '../domain/documents.ts';

/**
 * Every timeout of a task, in one place: `docs/reference/timeouts.md` says where each may be set, who may raise or lower
 * it, and what happens when it passes. All in milliseconds.
 */

/** Timeouts that a caller asks for. Undefined: nothing. */
export interface AskedTimeouts {
  readonly firstTokenMs?: number | undefined;
  readonly idleMs?: number | undefined;
  readonly maxMs?: number | undefined;
}

/** The timeouts of one task. */
export interface Timeouts {
  /** How long a model may be silent before its first token; undefined: {@link defaultFirstTokenMs}. */
  readonly firstTokenMs: number | undefined;
  /** How long a silence within an answer may last. */
  readonly idleMs: number;
  /** How long the whole task may take, with all attempts and waits. */
  readonly maxMs: number;
}

/** A local model reads a long input slowly, and may have to load first; a service that is silent for so long will not answer. */
const defaultFirstToken = { API: 30_000, other: 180_000 } as const;
/** An answer in one piece shows nothing before its end. */
const defaultWholeMs = 180_000;
/** Silence within an answer that ends a call, where nobody states another. */
export const defaultIdleMs = 30_000;
/** Generous: a stream that flows is not cut. */
const defaultMaxMs = 600_000;

/** No document and no caller may ask for more. */
export const maxTimeoutMs = 3_600_000;
/** The time that a task waits for a slot at a time, where its deadline is later. */
export const queueTimeoutMs = 60_000;

/** So long is a worker of a scalable model waited for that has none: a large model takes minutes to load. */
export const startTimeoutMs = 300_000;
/** A reader of a stream that takes nothing for so long gets an error and is closed. */
export const readerStallMs = 30_000;

/**
 * The timeouts of a task. Of each the first document counts that states it. A caller may lower any, and raise one up to what
 * that document states; where none does, up to an hour.
 * @param documents the most specific first: client, route, task type.
 */
export function timeoutsOf(documents: readonly (TimeoutsDocument | undefined)[], asked: AskedTimeouts): Timeouts {
  return {
    firstTokenMs: timeoutOf(documents, 'first_token_ms', asked.firstTokenMs),
    idleMs: timeoutOf(documents, 'idle_ms', asked.idleMs) ?? defaultIdleMs,
    maxMs: timeoutOf(documents, 'max_ms', asked.maxMs) ?? defaultMaxMs,
  };
}

function timeoutOf(
  documents: readonly (TimeoutsDocument | undefined)[],
  field: keyof TimeoutsDocument,
  askedMs: number | undefined,
): number | undefined {
  const stated = statedIn(documents, field);
  return askedMs === undefined ? stated : Math.min(askedMs, stated ?? maxTimeoutMs);
}

function statedIn(
  documents: readonly (TimeoutsDocument | undefined)[],
  field: keyof TimeoutsDocument,
): number | undefined {
  for (const document of documents) if (document?.[field] !== undefined) return document[field];
  return undefined;
}

/** The silence before a model's first token that is allowed where neither a document nor the caller says it. */
export function defaultFirstTokenMs(callMethod: CallMethod, isStreamed: boolean): number {
  if (!isStreamed) return defaultWholeMs;
  return callMethod === 'API' ? defaultFirstToken.API : defaultFirstToken.other;
}

/** Bounds on the silence of one attempt while others follow. */
export interface Attempted {
  /** Time to the task's deadline. */
  readonly leftMs: number;
  /** Models that may still be tried, this one included. */
  readonly candidatesLeft: number;
  /** How long this model's first token may take by what it usually does; undefined: not known, or not bounded so. */
  readonly typicalMs: number | undefined;
  /** What is slow for this model's first token; undefined: not known. */
  readonly slowMs: number | undefined;
}

/** A silence that was given less time than this says nothing of a model. */
const minTellingMs = 1_200;

/** The silence that one attempt is allowed. */
export interface FirstTokenTimeout {
  readonly timeoutMs: number;
  /** The caller's hurry ends it, sooner than the model may usually take: it says nothing of the model. */
  readonly isHurried: boolean;
}

/**
 * The silence that a model is allowed where another follows: its share of the time that is left, and not longer than a
 * few times what it usually takes.
 */
export function firstTokenTimeoutOf({ leftMs, candidatesLeft, typicalMs, slowMs }: Attempted): FirstTokenTimeout {
  const timeoutMs = Math.min(leftMs / candidatesLeft, typicalMs ?? Number.POSITIVE_INFINITY);
  return {
    timeoutMs: Math.max(1, Math.floor(timeoutMs)),
    isHurried: timeoutMs < Math.max(minTellingMs, slowMs ?? 0),
  };
}

/** A call as the worker makes it. */
export interface MadeCall {
  readonly callMethod: CallMethod;
  readonly isStreamed: boolean;
  readonly anotherFollows: boolean;
  readonly leftMs: number;
  /** {@link firstTokenTimeoutOf}; 0: none. */
  readonly firstTokenTimeout: FirstTokenTimeout;
  /** {@link Timeouts.firstTokenMs}; 0: the default of its kind. */
  readonly firstTokenMs: number;
}

/**
 * The silence that the provider of one call is allowed before its first content. An answer in one piece may use half
 * of the time that is left where another model follows, and all of it where none does.
 */
export function silenceOf(call: MadeCall): FirstTokenTimeout {
  const { callMethod, isStreamed, anotherFollows, leftMs, firstTokenTimeout, firstTokenMs } = call;
  if (!isStreamed && !anotherFollows) return { timeoutMs: leftMs, isHurried: false };
  const ofItsKindMs = firstTokenMs > 0 ? firstTokenMs : defaultFirstTokenMs(callMethod, isStreamed);
  if (!isStreamed) return { timeoutMs: Math.min(ofItsKindMs, leftMs / 2), isHurried: leftMs / 2 < ofItsKindMs };
  const timeoutMs = firstTokenTimeout.timeoutMs > 0 ? firstTokenTimeout.timeoutMs : Number.POSITIVE_INFINITY;
  return { timeoutMs: Math.min(ofItsKindMs, leftMs, timeoutMs), isHurried: firstTokenTimeout.isHurried };
}
