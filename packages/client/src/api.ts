import type { DataClass, Modality, Priority, RankedSet, UnavailableModel } from '@will/core';
import type { wire } from '@will/contracts';

/** Cancels a task: an `AbortSignal`, or what does as much of its work. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A task as a service author states it. */
export interface TaskRequest {
  /** The task type: `text_gen`, `code`, `translation`, … */
  readonly type: string;
  /** Default: the client the connection was made for. */
  readonly client?: string;
  readonly project?: string;
  readonly reflex?: string;
  /** Default: `normal`. */
  readonly priority?: Priority;
  /** True is priority `high`. It must not contradict `priority`. */
  readonly highPriority?: boolean;
  /** Raises the data class that documents give; never lowers it. */
  readonly dataClass?: DataClass;
  /** A model by slug, name or alias. One that does not exist or that a rule excludes is an error. */
  readonly model?: string;
  /** `route`: the route answers where `model` may not be had. Default: what project and client say, else `error`. */
  readonly unavailableModel?: UnavailableModel;
  readonly maxOutputTokens?: number;
  /** Exclude models that cannot give `maxOutputTokens` instead of clamping. Default false. */
  readonly maxOutputIsExact?: boolean;
  /**
   * For the whole task, with all attempts and waits. Default: the maximum of the documents of its client, route or task type,
   * else 600 000. It can lower that maximum and not raise it.
   */
  readonly timeoutMs?: number;
  /** How long a model may be silent before its first token. Default: what documents say, else 30 000 for services, 180 000 for others. */
  readonly firstTokenTimeoutMs?: number;
  /** How long a silence within an answer may last. Default: what documents say, else 30 000. */
  readonly idleTimeoutMs?: number;
  /** Fields of a request that were left out of the input: at most ten names of `[A-Za-z0-9_.-]`, kept with the decision. */
  readonly ignoredFields?: readonly string[];
  /**
   * Digest of what names the conversation that the task continues: 22 of `[A-Za-z0-9_-]`. Tasks of one conversation are kept
   * on the model whose cache holds it. Anything else counts as none.
   */
  readonly session?: string;
  /** What its cost is counted under: keys and values that the client's document declares. Any other is an error. */
  readonly costTags?: Readonly<Record<string, string>>;
  readonly inputModalities?: readonly Modality[];
  readonly outputModalities?: readonly Modality[];
  readonly needs?: readonly string[];
  /** Default: a new one. The same id again is the same task. */
  readonly taskId?: string;
  /** What the input is. Default `chat`. */
  readonly inputKind?: string;
  /** A string becomes one user message; bytes go as they are; anything else is sent as JSON. */
  readonly input: string | Uint8Array | ChatInput;
  /**
   * Upper bound of the input's tokens. Default: by the size of the text, and by the number and length of a chat's
   * images and sound.
   */
  readonly inputTokens?: number;
  /**
   * The input, or one field of it, where it was put into the payload bucket already; the one that put it there removes it.
   * An input above 768 KiB needs nothing of this: it is put there and removed by itself.
   */
  readonly payload?: wire.PayloadRef;
  /** Rules on data that hold beside those of the documents; they can only tighten. Default: none. */
  readonly floor?: wire.Requirement;
  readonly signal?: CancelSignal;
  /**
   * Asked where a router took the task late, having stood still: whether it is still to be run. Default: it is, for as
   * long as the caller waits.
   */
  readonly isStillWanted?: () => Promise<boolean>;
}

/** Chat in the OpenAI form, without `model` and `stream`. */
export interface ChatInput {
  readonly messages: readonly object[];
  readonly [field: string]: unknown;
}

/** A piece of a streamed answer. */
export interface TaskDelta {
  readonly text: string;
  /** Words by which the model refuses, not among the text. Absent: none. */
  readonly refusal?: string;
  readonly reasoning: string;
  /** JSON array of tool-call deltas in the OpenAI form; '' for none. */
  readonly toolCalls: string;
  /** Output that is no text: a piece of it, and its media type. */
  readonly data?: Uint8Array;
  readonly dataType?: string;
}

/** The end of a task that succeeded. */
export interface TaskResult {
  readonly taskId: string;
  /** `Success` here; everything else is thrown as a {@link TaskError}. */
  readonly outcome: 'Success';
  /** Slug and display name of the model that answered. */
  readonly model: string;
  readonly modelName: string;
  readonly output: string;
  /** Words by which the model refused, not among the output. Absent: it did not. */
  readonly refusal?: string;
  readonly reasoning: string;
  /** JSON array of whole tool calls; '' for none. */
  readonly toolCalls: string;
  /** Output that is no text (vectors, sound, an image), and its media type. */
  readonly data?: Uint8Array;
  readonly dataType?: string;
  readonly finish: string;
  readonly usage: wire.Usage | undefined;
  readonly costNanoUsd: bigint | undefined;
  readonly attempts: readonly wire.AttemptSummary[];
  readonly decisionId: string;
  /** What the request named and Will ignored, in words: a reflex without a document. Absent: nothing. */
  readonly notices?: readonly string[];
}

/** A part of a stream: pieces, then exactly one end. */
export type StreamPart =
  | {
      readonly kind: 'started';
      readonly model: string;
      readonly modelName: string;
      readonly decisionId: string;
      readonly notices?: readonly string[];
    }
  | { readonly kind: 'delta'; readonly delta: TaskDelta }
  | { readonly kind: 'end'; readonly result: TaskResult };

/** A closed list of the ways in which a task fails. */
export type TaskErrorCode =
  | 'invalid_task'
  | 'blocked'
  | 'all_failed'
  | 'deadline'
  | 'worker_lost'
  | 'router_lost'
  | 'truncated'
  | 'cancelled'
  | 'overloaded'
  | 'unavailable'
  | 'too_large'
  | 'unknown_task'
  | 'unknown_client'
  | 'unknown_project'
  | 'unknown_model'
  | 'model_not_allowed'
  | 'forbidden'
  | 'context_length_exceeded'
  | 'content_filtered'
  | 'limit_unreachable'
  | 'budget_exhausted'
  | 'no_worker'
  | 'internal';

/** A task that did not succeed. Branch on `code`. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly code: TaskErrorCode;
  readonly taskId: string;
  readonly isRetryable: boolean;
  readonly retryAfterMs: number;
  readonly decisionId: string;
  readonly attempts: readonly wire.AttemptSummary[];
  readonly exclusions: readonly wire.Exclusion[];
  constructor(
    code: TaskErrorCode,
    message: string,
    details: {
      taskId: string;
      isRetryable?: boolean;
      retryAfterMs?: number;
      decisionId?: string;
      attempts?: readonly wire.AttemptSummary[];
      exclusions?: readonly wire.Exclusion[];
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.code = code;
    this.taskId = details.taskId;
    this.isRetryable = details.isRetryable ?? false;
    this.retryAfterMs = details.retryAfterMs ?? 0;
    this.decisionId = details.decisionId ?? '';
    this.attempts = details.attempts ?? [];
    this.exclusions = details.exclusions ?? [];
  }
}

/** A task without its content, to ask how it would be decided: enough to say who may do it. */
export interface Question {
  readonly type: string;
  /** Default: the client the connection was made for. */
  readonly client?: string;
  readonly project?: string;
  readonly reflex?: string;
  readonly priority?: Priority;
  readonly highPriority?: boolean;
  readonly dataClass?: DataClass;
  readonly model?: string;
  readonly unavailableModel?: UnavailableModel;
  readonly inputModalities?: readonly Modality[];
  readonly outputModalities?: readonly Modality[];
  readonly needs?: readonly string[];
  readonly inputTokens?: number;
  readonly maxOutputTokens?: number;
  /** UTC milliseconds: decide as if it were then. Default: now. */
  readonly atUnixMs?: number;
}

/** A decision that was explained, and not carried out. */
export interface Explanation {
  /** Who may do it, best first, and why each other model may not. */
  readonly set: RankedSet;
  /** Single changes that would let in the first model that was asked for and left out, in words. */
  readonly wouldChange: readonly string[];
}

/** A task that is stored before it is accepted, and done also when everybody who knew of it dies. */
export interface TaskSubmission extends Omit<TaskRequest, 'signal' | 'isStillWanted'> {
  /** For all of it. Default 24 hours, at most 31 days. */
  readonly timeoutMs?: number;
  /** Default: `background`. */
  readonly priority?: Priority;
  /** The same key with the same task is the same task; with another one it is refused. Default: the task's id. */
  readonly idempotencyKey?: string;
  /** Not to start before this instant. */
  readonly notBeforeUnixMs?: number;
  /** A schedule by name, such as `off_hours`: it starts while that is open, or in time for its deadline. */
  readonly defer?: string;
}

/** A durable task as its client sees it. */
export interface DurableTask {
  readonly taskId: string;
  readonly client: string;
  readonly project?: string;
  readonly type: string;
  readonly priority: Priority;
  /** The last four are terminal; `expired`: the deadline came first. */
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'expired';
  readonly createdUnixMs: number;
  readonly deadlineUnixMs: number;
  readonly finishedUnixMs?: number;
  /** When it goes into the queue, where it waits for its time, for a worker or for a limit. */
  readonly startsUnixMs?: number;
  /** What it waits for until then, in words. Absent: for its time, or it does not wait. */
  readonly waitsFor?: string;
  /** How often it was picked up and a call was tried. */
  readonly pickups: number;
  readonly idempotencyKey: string;
  /** Where it succeeded. */
  readonly result?: TaskResult;
  /** Where it ended otherwise. */
  readonly failure?: TaskError;
  /** Why it was given up: it is a dead letter, which {@link DurableTasks.requeueTask} runs anew. */
  readonly deadReason?: string;
}

/** The owner of the durable tasks that are meant. */
export interface TaskOwner {
  /** Default: the client that was connected. */
  readonly client?: string;
  /** Only a task of one of these projects is found, by their slugs. Default: any task of the client. */
  readonly projects?: readonly string[];
}

/** Durable tasks. All throw {@link TaskError}. */
export interface DurableTasks {
  /** Resolves when the task is stored; from then on it has exactly one end. */
  submit(submission: TaskSubmission): Promise<DurableTask & { readonly isRepeated: boolean }>;
  /** The task as it is; with `waitMs` (at most 25 000) at its end, if that comes first. */
  task(taskId: string, options?: TaskOwner & { readonly waitMs?: number }): Promise<DurableTask>;
  /** Waits for its end. @throws {TaskError} what it came to, or 'deadline' when it took longer than `timeoutMs`. */
  result(
    taskId: string,
    options?: TaskOwner & { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<TaskResult>;
  /**
   * The task as it is, then each change of its state (within a second), at last its end. Goes on while nobody answers for
   * durable tasks; only the first look throws. @throws {TaskError} also 'cancelled', by the signal
   */
  events(taskId: string, options?: TaskOwner & { readonly signal?: AbortSignal }): AsyncIterable<DurableTask>;
  /** Ends it, unless it has ended. */
  cancelTask(taskId: string, options?: TaskOwner): Promise<DurableTask>;
  /**
   * Has a dead letter run anew: it keeps its id and its key, and has as long as it had at first. One that has not ended
   * stays as it is. @throws {TaskError} 'invalid_task': it is no dead letter, or its content is not kept any more.
   */
  requeueTask(taskId: string, options?: TaskOwner): Promise<DurableTask>;
  /** Newest first, without what they came to. `limit` at most 200, default 20. */
  tasks(
    filter?: TaskOwner & {
      readonly state?: DurableTask['state'];
      /** Only dead letters. */
      readonly dead?: boolean;
      readonly limit?: number;
    },
  ): Promise<readonly DurableTask[]>;
}

/** Runs tasks, over the bus or over gRPC alike. Made by `connectClient`. */
export interface TaskClient extends DurableTasks {
  /** Resolves with the whole answer. @throws {TaskError} */
  run(request: TaskRequest): Promise<TaskResult>;
  /** Yields content as it is made. Leaving the loop early cancels the task. @throws {TaskError} */
  stream(request: TaskRequest): AsyncIterable<StreamPart>;
  /**
   * The form under both: `onPart` is called in order and synchronously for every part. Never rejects with anything but
   * a {@link TaskError}. For servers that copy content on without an iterator's cost.
   */
  start(request: TaskRequest, stream: boolean, onPart: (part: StreamPart) => void): Promise<TaskResult>;
  /** Which models may do such a task, in which order, and why the others may not. Nothing is run. @throws {TaskError} */
  explain(question: Question): Promise<Explanation>;
  close(): Promise<void>;
}
