import type { KeysView, Payloads } from '@will/bus';
import type { DurableWire, TaskClient } from '@will/client';
import type { Snapshot } from '@will/core';
import type { wire } from '@will/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';

/** The parts that the gateway needs from outside. Each part is undefined until the bus has given it. */
export interface Backends {
  readonly client: TaskClient | undefined;
  /** The documents in force, for names of models and task types. */
  readonly snapshot: Snapshot | undefined;
  readonly fleet: Fleet | undefined;
  readonly isBusConnected: boolean;
  readonly queries: Queries | undefined;
  /** Where content goes that is too large for a message. */
  readonly payloads: CallerPayloads | undefined;
  /** Keys of callers; undefined while they are not known. */
  readonly keys: KeysView | undefined;
  /** What names of conversations are digested with; undefined: conversations are not told apart. */
  readonly sessionSecret?: Uint8Array | undefined;
}

/** The payload bucket, where content is put away as that of the client who will name it in a task. */
export interface CallerPayloads extends Pick<Payloads, 'get' | 'remove'> {
  /** @throws {PayloadError} as {@link Payloads.put}. @throws {TaskError} the caller may not be who it says */
  put(caller: StatedCaller, content: Uint8Array | ReadableStream<Uint8Array>, field?: string): Promise<wire.PayloadRef>;
}

/** The caller, as it names itself. '' and absent: unsaid. */
export interface StatedCaller {
  readonly client?: string;
  readonly project?: string;
}

/** Queries to the other services. All throw {@link TaskError} 'unavailable' when nobody answers. */
export interface Queries {
  /** Which models may do such a task, and why the others may not. */
  explain(request: MessageInitShape<typeof wire.DecideRequestSchema>): Promise<wire.DecideResponse>;
  documents(request: MessageInitShape<typeof wire.GetRequestSchema>): Promise<wire.GetResponse>;
  registryStatus(): Promise<wire.StatusResponse>;
  /** Durable tasks, as the service answers: also a refusal is an answer. */
  readonly durable: DurableWire;
  calls(request: MessageInitShape<typeof wire.QueryCallsRequestSchema>): Promise<wire.QueryCallsResponse>;
  usage(request: MessageInitShape<typeof wire.QueryUsageRequestSchema>): Promise<wire.QueryUsageResponse>;
  /** Checks the output of a task. */
  feedback(request: MessageInitShape<typeof wire.FeedbackRequestSchema>): Promise<wire.FeedbackResponse>;
  decision(request: MessageInitShape<typeof wire.GetDecisionRequestSchema>): Promise<wire.GetDecisionResponse>;
}

/** The live processes. */
export interface Fleet {
  /** Whether at least one process of a service lives. */
  has(service: string): boolean;
  /** Slugs of the models that some live worker serves now. */
  servedModels(): ReadonlySet<string>;
}
