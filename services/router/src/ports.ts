import type { Holder, Loss, Work } from '@will/bus';
import type {
  DecisionRecord,
  Facts,
  LiveState,
  Selection,
  RankedSet,
  Snapshot,
  SessionBasis,
  SessionState,
} from '@will/core';
import type { wire } from '@will/contracts';

/** A ranked set as policy answered it, with its digest. */
export interface DecidedSet {
  readonly setId: string;
  readonly set: RankedSet;
}

/** Policy did not answer. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly code: 'unavailable' | 'refused';
  constructor(code: PolicyError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Policy, as the router asks it. */
export interface PolicyClient {
  /** @param answerWithinMs how long an answer may take. @throws {PolicyError} none came, or the facts were refused. */
  decide(facts: Facts, answerWithinMs: number): Promise<DecidedSet>;
}

/** The newest snapshot. */
export interface SnapshotSource {
  /** Undefined until the first one was read. */
  readonly current: Snapshot | undefined;
}

/** Workers, as they announce themselves. */
export interface Workers {
  /** Why live workers say they cannot serve models. */
  unserved(): ReadonlyMap<string, string>;
  /** Whether some live worker serves the model, be it with all its slots taken. */
  isServed(model: string): boolean;
  /** Ids of the workers that serve the model, those included that were not missed yet. */
  serving(model: string): ReadonlySet<string>;
}

/** Cooldowns, as all workers agreed. */
export interface CooldownView {
  /** Ends of cooldowns, also of such as are over while nobody has seen the model work again. */
  readonly untilMs: ReadonlyMap<string, number>;
  /** Called with the model after every change. Returns how to stop. */
  onChange(listener: (model: string) => void): () => void;
}

/** One call on its way to a worker. */
export interface Dispatch {
  readonly request: wire.CallRequest;
  readonly dataClass: RankedSet['dataClass'];
  /** The worker that should have it, where it is free: the cache of a local model is there. Absent: any. */
  readonly workerId?: string | undefined;
}

/** A signal about one attempt. 'nobody': no worker is in the model's group now. */
export type CallSignal = { readonly kind: 'nobody' } | { readonly kind: 'event'; readonly event: wire.CallEvent };

/** Calls to workers, and words about them. */
export interface Calls {
  /** Sends a call to the model's group; signals come until `close()`. @throws {BusError} */
  send(dispatch: Dispatch, onSignal: (signal: CallSignal) => void): { close(): void };
  /**
   * Commands a worker. Never throws: it is lost while NATS is not connected, and the worker sees that by itself. @param
   * startUntilUnixMs with START: by the bus clock.
   */
  command(workerId: string, attemptId: string, command: wire.CallCommand, startUntilUnixMs?: number): void;
  /**
   * Whether silence means something: the server answers at once, and this process did not stand still. What the server
   * had for this process before is received by then.
   */
  isInTouch(): Promise<boolean>;
  /** Which connection this is, by number: what was sent on an earlier one may have arrived, and its answer been lost. */
  readonly connection: number;
  /** Asks workers which of them has one of these deliveries of a client, or had it. Never rejects. */
  whoHas(workerIds: Iterable<string>, client: string, attemptIds: readonly string[]): Promise<Holder>;
  /** Calls back once when the worker is dead, or does not have the work any more. Returns how to stop. */
  watch(workerId: string, onLost: (loss: Loss) => void, work: Work): () => void;
}

/** Frames to the caller. Never throws. */
export interface TaskCaller {
  /** Where frames go; lies below the client's own prefix. */
  readonly inbox: string;
  send(frame: wire.Frame): void;
}

/** A choice out of a ranked set, with all that it was made of: enough to make it again. */
export interface Choice {
  readonly selection: Selection;
  readonly live: LiveState;
  readonly seed: number;
  readonly atMs: number;
  readonly session?: SessionBasis | undefined;
}

/** Conversations, over all routers. Never blocks, never throws. */
export interface Sessions {
  of(session: string): SessionState | undefined;
  keep(session: string, state: SessionState): void;
}

/** Takes records and decisions. Never blocks, never throws. */
export interface RouterRecords {
  /** @param told what of the request was left out: names of fields by its server, and notices. Default: nothing. */
  decided(
    taskId: string,
    decisionId: string,
    decided: DecidedSet,
    choice: Choice,
    told?: Pick<DecisionRecord, 'ignoredFields' | 'notices'>,
  ): void;
  intent(record: wire.CallRecord, deadlineUnixMs: number): void;
  call(record: wire.CallRecord): void;
}

/** The clocks that deliveries go by. */
export interface BusClock {
  /** UTC milliseconds by the bus clock. */
  nowMs(): number;
  /** How far that may be off; undefined: the bus clock is not known, and nothing is sent. */
  boundMs(): number | undefined;
  /** Resolves true once there is a bound, false when that took longer. */
  untilBound(timeoutMs: number): Promise<boolean>;
  /** UTC milliseconds by this machine's clock, for what is told of durations. */
  systemMs(): number;
}
