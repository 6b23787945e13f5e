import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, wire } from '@will/contracts';
import type { Priority } from '@will/core';
import type { QueuedTask, TaskQueue } from '../ports.ts';

/** A place in the queue that was asked for. */
export interface Placed {
  readonly reference: wire.TaskReference;
  readonly priority: Priority;
  readonly type: string;
  /** Of a place at once. */
  readonly id?: string;
  /** Of a place for later. */
  readonly atMs?: number;
}

/** A message that was handed out. */
export interface Handed extends QueuedTask {
  /** How often it was said to be worked on. */
  readonly signs: number;
  /** Resolves when the message is acknowledged or given back. */
  readonly over: Promise<'done' | 'given back'>;
}

/** A queue in memory. It hands out what a test puts into it, and notes what it is asked for. */
export class FakeQueue implements TaskQueue {
  readonly placed: Placed[] = [];
  readonly results: wire.DurableTask[] = [];
  /** What was asked for, in order. */
  readonly asked: string[] = [];
  /** Of each priority. */
  oldestMs = Infinity;
  /** Of what the next call throws. */
  failure: Error | undefined;
  readonly #messages: Record<Priority, Handed[]> = { high: [], normal: [], background: [] };
  readonly #listeners = new Set<(client: string, taskId: string) => void>();
  #wake = Promise.withResolvers<void>();
  #isClosed = false;

  /** Gives a message to the next one that asks. */
  hand(priority: Priority, reference: MessageInitShape<typeof wire.TaskReferenceSchema>, deliveries = 1): Handed {
    const { promise, resolve } = Promise.withResolvers<'done' | 'given back'>();
    let signs = 0;
    const message: Handed = {
      reference: create(wire.TaskReferenceSchema, reference),
      deliveries,
      working: () => void (signs += 1),
      done: async () => resolve('done'),
      giveBack: () => resolve('given back'),
      get signs() {
        return signs;
      },
      over: promise,
    };
    this.#messages[priority].push(message);
    this.#wakeAll();
    return message;
  }

  /** Tells that a task ended, as if another process had ended it. */
  tellEnd(client: string, taskId: string): void {
    for (const listener of this.#listeners) listener(client, taskId);
  }

  /** How many listen for ends. */
  get listening(): number {
    return this.#listeners.size;
  }

  /** Lets nobody wait for a message any more. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll();
  }

  async next(priority: Priority): Promise<QueuedTask | undefined> {
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
    const message = this.#messages[priority].shift();
    if (message) return message;
    // As a queue does it: nobody is answered at once that there is nothing.
    await (this.#isClosed ? new Promise(setImmediate) : this.#wake.promise);
    return this.#messages[priority].shift();
  }

  async add(reference: wire.TaskReference, priority: Priority, type: string, id: string): Promise<void> {
    this.placed.push({ reference, priority, type, id });
    this.asked.push(`queued ${reference.taskId}`);
  }

  async addAt(reference: wire.TaskReference, priority: Priority, type: string, atMs: number): Promise<void> {
    this.placed.push({ reference, priority, type, atMs });
    this.asked.push(`scheduled ${reference.taskId}`);
  }

  async queuedSinceMs(): Promise<number> {
    return this.oldestMs;
  }

  async publishResult(task: wire.DurableTask): Promise<void> {
    this.results.push(task);
    this.asked.push(`published ${task.taskId}`);
    this.tellEnd(task.client, task.taskId);
  }

  async withdrawResult(_client: string, taskId: string): Promise<void> {
    this.asked.push(`withdrawn ${taskId}`);
  }

  async erase(client: string): Promise<void> {
    this.asked.push(`erased ${client}`);
  }

  onResult(listener: (client: string, taskId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #wakeAll(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
