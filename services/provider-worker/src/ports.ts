import type { ContentOutbox, Cooldowns, Payloads } from '@will/bus';
import type { DataClass, Snapshot } from '@will/core';
import type { wire } from '@will/contracts';
import type { FreeSlotCounts } from './model/slots.ts';

export interface WorkerSnapshots {
  readonly current: Snapshot | undefined;
  /** Milliseconds since this was last confirmed to be the newest; Infinity: never. */
  ageMs(): number;
  /** Resolves true once the snapshot has reached a revision, false when that took longer. */
  untilRevision(revision: number, timeoutMs: number): Promise<boolean>;
  onChange(listener: () => void): () => void;
}

/** The last word of a call to its router. Many are kept, so it holds nothing of the call but that. */
export interface LastWord {
  sayAgain(): void;
}

/** A call as it came in, with the ways to answer. Answering never throws; it is lost while NATS is not connected. */
export interface IncomingCall {
  readonly request: wire.CallRequest;
  /** The class of the subject it came by. */
  readonly dataClass: DataClass;
  toRouter(kind: wire.CallEvent['kind']): void;
  /** Tells the router how it ended. */
  endToRouter(kind: wire.CallEvent['kind']): LastWord;
  toCaller(frame: wire.Frame): void;
}

export interface Membership {
  /** Leaves the group without losing a call (drain). */
  leave(): Promise<void>;
}

/** Queue groups: one per data class and model. */
export interface Groups {
  /** Calls of a model come here while the membership lasts. */
  join(model: string, classes: readonly DataClass[], onCall: (call: IncomingCall) => void): Membership;
  /** Tells routers that slots are free again. */
  announceFree(model: string, offer: FreeSlotCounts): void;
}

/** Cooldowns, in agreement with all other processes. */
export type CooldownStore = Omit<Cooldowns, 'stop'>;

/** Content of tasks that is too large for a message. */
export type PayloadSource = Pick<Payloads, 'get'>;

/** Content of calls, of clients that switch that on, on its way. Never blocks, never throws. */
export type Contents = Pick<ContentOutbox, 'keep'>;

/** Call records on their way. Never blocks, never throws. */
export interface CallRecords {
  call(record: wire.CallRecord): void;
}

/** The time, as far as a worker knows it: by it calls start, or do not. */
export interface StartClock {
  /** UTC milliseconds by the bus clock. */
  nowMs(): number;
  /** How far that may be off; undefined: it is not known. */
  boundMs(): number | undefined;
  /** The process's own clock. */
  monotonicMs(): number;
  /** How long this process stood still until a moment ago; what was found before `sinceMs` (monotonic) does not count. */
  stoodStillMs(sinceMs?: number): number;
}
