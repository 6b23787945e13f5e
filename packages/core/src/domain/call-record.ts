import { costNanoUsd, type Price } from '../usage/cost.ts';
import type { DataClass } from './data-class.ts';
import type { RankedSet, SessionBasis } from '../routing/decision.ts';
import type { Priority } from './facts.ts';
import type { Outcome, Usage } from './outcome.ts';

/** Processes that write records; the earlier in this list knows better and replaces what a later one wrote. */
export const recordWriters = ['worker', 'router', 'telemetry'] as const;
/** The process that wrote a call record. */
export type RecordWriter = (typeof recordWriters)[number];

/** One attempt as it is remembered; a task that was blocked before any attempt leaves one with no model. */
export interface CallRecord {
  /** Unique: there is one record per attempt. */
  readonly attemptId: string;
  readonly taskId: string;
  /** Undefined: the task ended before a decision. */
  readonly decisionId: string | undefined;
  /** From 1 within the task; 0: no attempt was made. */
  readonly attempt: number;
  /** Registry revision the decision stands on. */
  readonly revision: number;
  readonly client: string;
  readonly project: string | undefined;
  readonly reflex: string | undefined;
  readonly taskType: string;
  /** Slug. */
  readonly model: string | undefined;
  readonly modelName: string | undefined;
  readonly modelVersion: string | undefined;
  readonly provider: string | undefined;
  readonly workerId: string | undefined;
  /** Undefined: the task ended before its class was known. */
  readonly dataClass: DataClass | undefined;
  readonly priority: Priority;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly firstContentMs: number | undefined;
  readonly outcome: Outcome;
  /** A `CallStatus`, or one that a newer writer knows. */
  readonly status: string;
  /** For operators; never content. */
  readonly reason: string | undefined;
  /** Of the provider's answer that was no success. Absent: there was none. */
  readonly httpStatus?: number | undefined;
  /** The provider's own code for its failure: at most 64 of `A-Z a-z 0-9 _ . -`. Absent: it gave none. */
  readonly vendorCode?: string;
  readonly finish: string | undefined;
  readonly usage: Usage | undefined;
  readonly outputChars: number;
  /** Undefined: the price is unknown. */
  readonly costNanoUsd: bigint | undefined;
  /** The price in force at the call; undefined: unknown. */
  readonly price: Price | undefined;
  readonly streamed: boolean;
  readonly writtenBy: RecordWriter;
  /** What the cost is counted under: `key=value`, in the order of the keys. Absent: nothing. */
  readonly costTags?: readonly string[];
}

/** Fields with a check or a form of their own: who reads or writes records has code for each of them. */
export type SpecialCallField =
  | 'attemptId'
  | 'taskId'
  | 'decisionId'
  | 'revision'
  | 'dataClass'
  | 'priority'
  | 'startedAtMs'
  | 'outcome'
  | 'vendorCode'
  | 'usage'
  | 'costNanoUsd'
  | 'price'
  | 'writtenBy'
  | 'costTags';

/** All other fields. Each has the same name and value on the wire, and a column and a place in exports of its own. */
export type PlainCallField = Exclude<keyof CallRecord, SpecialCallField>;

/** Kinds of values of plain fields. Optional ones are undefined where the wire has an empty text or 0. */
export type PlainKind = 'text' | 'optional text' | 'count' | 'optional count' | 'flag';

type KindOf<Value> = undefined extends Value
  ? Value extends string | undefined
    ? 'optional text'
    : 'optional count'
  : Value extends string
    ? 'text'
    : Value extends number
      ? 'count'
      : 'flag';

/** The plain fields. Wire, SQL column, API and exports follow from this table (`npm run generate`). */
export const plainCallFields = {
  attempt: 'count',
  client: 'text',
  project: 'optional text',
  reflex: 'optional text',
  taskType: 'text',
  model: 'optional text',
  modelName: 'optional text',
  modelVersion: 'optional text',
  provider: 'optional text',
  workerId: 'optional text',
  durationMs: 'count',
  firstContentMs: 'optional count',
  status: 'text',
  reason: 'optional text',
  httpStatus: 'optional count',
  finish: 'optional text',
  outputChars: 'count',
  streamed: 'flag',
} as const satisfies { readonly [Field in PlainCallField]-?: PlainKind & KindOf<CallRecord[Field]> };

/** The name of a field in columns and exports: `firstContentMs` is `first_content_ms`. */
export const snakeCase = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Told before the call, so that an attempt whose end nobody saw is counted all the same. */
export interface AttemptIntent {
  /** What is known of the attempt at its start; its usage, where stated, is the reserve. */
  readonly record: CallRecord;
  readonly deadlineMs: number;
}

/** The choice made for one task out of a ranked set. */
export interface DecisionRecord {
  readonly decisionId: string;
  readonly taskId: string;
  readonly setId: string;
  readonly revision: number;
  readonly atMs: number;
  readonly order: readonly string[];
  readonly skipped: readonly { readonly model: string; readonly reason: string }[];
  /** Repeats the draw among equals. */
  readonly seed: bigint;
  readonly client: string;
  readonly taskType: string;
  /** What was known of the candidates at the choice; only of those of which something was. */
  readonly live: readonly LiveEntry[];
  /** Digest of `live`. */
  readonly stateDigest: string;
  /** The instant at which the ranked set was computed: before the choice where the set was kept. 0: not known. */
  readonly setDecidedAtMs: number;
  /** Names of fields of the request that its server left out, whichever model answers. Absent: none. */
  readonly ignoredFields?: readonly string[];
  /** What the task names and the router ignored, in words: a reflex without a document. Absent: nothing. */
  readonly notices?: readonly string[];
  /** What the conversation that the task continues had a say with. Absent: there was none. */
  readonly session?: SessionBasis | undefined;
}

/** The live state of a candidate when the router selected. */
export interface LiveEntry {
  readonly model: string;
  /** Why live workers said that they cannot serve it; undefined: nobody said so. */
  readonly unserved: string | undefined;
  /** End of the cooldown; 0: none. */
  readonly coolingUntilMs: number;
}

/** A ranked set under the digest that decisions name it by. */
export interface NamedSet {
  readonly setId: string;
  readonly set: RankedSet;
}

/** The rank of a writer by its knowledge: a higher rank replaces a lower one. */
export const writerRank = (writer: RecordWriter): number => recordWriters.length - recordWriters.indexOf(writer);

/**
 * True where a record takes the place of the one that is there for the same attempt. Equal writers: no, the first
 * stays, so that a repeat changes nothing.
 */
export const replaces = (next: CallRecord, present: CallRecord): boolean =>
  writerRank(next.writtenBy) > writerRank(present.writtenBy);

/**
 * The record of an attempt whose end nobody saw: it lasted to its deadline and is charged at its reserve. Equal intents
 * give equal records.
 */
export function unknownOutcome({ record, deadlineMs }: AttemptIntent): CallRecord {
  return {
    ...record,
    durationMs: Math.max(0, deadlineMs - record.startedAtMs),
    outcome: 'Timeout',
    status: 'Unknown',
    reason: 'no record of its end came by its deadline',
    costNanoUsd: record.costNanoUsd ?? (record.usage && costNanoUsd(record.usage, record.price)),
    writtenBy: 'telemetry',
  };
}
