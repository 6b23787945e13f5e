import type { Priority } from '@will/core';

/** 'waiting': nobody has it. 'running': picked up at least once. The others are terminal. */
export type TaskState = 'waiting' | 'running' | TerminalState;
/** A state that a task does not leave, unless a dead letter is requeued. */
export type TerminalState = 'succeeded' | 'failed' | 'cancelled' | 'expired';

/** A task as it is accepted. */
export interface NewTask {
  readonly client: string;
  /** Unique within the client. */
  readonly taskId: string;
  /** Unique within the client: what makes repeating a submit safe. */
  readonly idempotencyKey: string;
  /** Digest of what was submitted; another one under the same key is a different task. */
  readonly bodyHash: string;
  readonly type: string;
  /** Slug; '': none. */
  readonly project: string;
  readonly priority: Priority;
  readonly createdAtMs: number;
  readonly deadlineMs: number;
  /** The task as it was submitted; the store does not read it. Empty: it was dropped. */
  readonly body: Uint8Array;
}

/** A task as it is stored. */
export interface StoredTask extends NewTask {
  readonly state: TaskState;
  /** Rises at each pickup; only the holder of the newest may finish the task. 0: never picked up. */
  readonly fence: number;
  /** Pickups of these that called nobody: no worker, no place, or a limit was reached. */
  readonly idlePickups: number;
  /** When a message for it was last published, or is to be; undefined: never. */
  readonly messagedAtMs: number | undefined;
  /** What it waits for until that message, in words. Undefined: for its time, or it does not wait. */
  readonly waitsFor: string | undefined;
  readonly finishedAtMs: number | undefined;
  /** The one terminal result; undefined until the task is finished, and when it was dropped. */
  readonly result: Uint8Array | undefined;
  /** Why it was given up: it is a dead letter. Undefined: it is none. */
  readonly deadReason: string | undefined;
}

/** The outcome of an insertion. */
export type Insertion =
  | { readonly kind: 'inserted'; readonly task: StoredTask }
  /** The same submit came before; this is its task. */
  | { readonly kind: 'repeated'; readonly task: StoredTask }
  /** The idempotency key or the task id belongs to this other task. */
  | { readonly kind: 'conflict'; readonly task: StoredTask };

/** The outcome of a claim. */
export type TaskClaim =
  | { readonly kind: 'claimed'; readonly task: StoredTask }
  | { readonly kind: 'finished'; readonly task: StoredTask }
  | { readonly kind: 'unknown' };

/** An end that a claimant writes, under its fence. */
export interface Ending {
  readonly client: string;
  readonly taskId: string;
  /** Of the claim. */
  readonly fence: number;
  readonly state: TerminalState;
  readonly result: Uint8Array;
  readonly atMs: number;
  /** It is given up, and stands among the dead letters. */
  readonly deadReason?: string;
}

/** The outcome of requeueing a dead letter. */
export type Requeue =
  /** It waits again, with no end and no message, its fence as high as it was. */
  | { readonly kind: 'requeued'; readonly task: StoredTask }
  /** It is no dead letter, or nothing is left of what was asked. */
  | { readonly kind: 'refused'; readonly task: StoredTask }
  | { readonly kind: 'unknown' };

/** The outcome of writing an end. */
export type Finish =
  /** This ending is the task's result. */
  | { readonly kind: 'finished'; readonly task: StoredTask }
  /** Another ending came first; its result is the one to publish. */
  | { readonly kind: 'was_finished'; readonly task: StoredTask }
  /** Somebody picked the task up since. */
  | { readonly kind: 'fenced_off'; readonly task: StoredTask }
  | { readonly kind: 'unknown' };

/** Tasks to list. */
export interface TaskFilter {
  readonly client?: string;
  /** Only tasks of one of these; absent or empty: any. */
  readonly projects?: readonly string[];
  readonly state?: TaskState;
  /** Only dead letters. */
  readonly dead?: boolean;
}

/** Durable tasks: stored before they are acknowledged, ended exactly once. Every write is on disk when it resolves. */
export interface TaskStore {
  insert(task: NewTask): Promise<Insertion>;
  get(client: string, taskId: string): Promise<StoredTask | undefined>;
  /** Picks the task up: raises its fence, so that the one that held it before can no longer finish it. */
  claim(client: string, taskId: string): Promise<TaskClaim>;
  /** One conditional write: not terminal, and the fence is the newest. */
  finish(ending: Ending): Promise<Finish>;
  /** One conditional write: a dead letter whose body is kept waits again, as if a message for it was published now. */
  requeue(client: string, taskId: string, atMs: number, deadlineMs: number): Promise<Requeue>;
  /** Newest first. `limit` from 1. */
  list(filter: TaskFilter, limit: number): Promise<readonly StoredTask[]>;
  /**
   * Notes that a message for the task was published, how many pickups before it called nobody (default: 0), and what
   * the task waits for until then (default: nothing but its time).
   */
  messaged(client: string, taskId: string, atMs: number, idlePickups?: number, waitsFor?: string): Promise<void>;
  /** Tasks that are not terminal and had no message since the instant (nor were made since), oldest first. */
  withoutMessageSince(sinceMs: number, limit: number): Promise<readonly StoredTask[]>;
  /** How many tasks have not ended, by priority; priorities without any may be absent. */
  unfinished(): Promise<Readonly<Partial<Record<Priority, number>>>>;
  /** Notes that the task's end was published. */
  published(client: string, taskId: string): Promise<void>;
  /** Tasks that ended before the instant, of whose end nobody noted that it was published; oldest end first. */
  unpublished(endedBeforeMs: number, limit: number): Promise<readonly StoredTask[]>;
  /** Forgets body and result of tasks that ended before the instant; the facts stay. Returns of how many. */
  dropContent(endedBeforeMs: number, limit: number): Promise<number>;
  /** Forgets tasks that ended before the instant altogether. Returns how many. */
  drop(endedBeforeMs: number, limit: number): Promise<number>;
  /** Forgets tasks of one client that have ended, and overwrites them in a file. Returns how many. */
  erase(client: string, limit: number): Promise<number>;
  /** Waits for what was begun. A second call does nothing. */
  close(): Promise<void>;
}
