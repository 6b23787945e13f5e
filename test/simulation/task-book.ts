import { DatabaseSync } from 'node:sqlite';
import type { Finish, StoredTask, TaskStore } from '@will/store';
import { taskOperations, taskSchema, type TaskOperations } from '../../packages/store/src/sqlite/tasks.ts';
import type { VirtualTime } from './virtual-time.ts';

/**
 * The store of tasks, by its own SQL in memory: each word takes a while to come and to go, and between the two an actor may
 * die. Also looks that the one that ends a task holds its newest fence, and that an end stays as it is.
 */
export class TaskBook {
  readonly #time: VirtualTime;
  readonly #database = new DatabaseSync(':memory:');
  readonly #operations: TaskOperations;
  readonly #ends = new Map<string, string>();

  constructor(time: VirtualTime) {
    this.#time = time;
    for (const step of taskSchema.migrations) this.#database.exec(step);
    this.#operations = taskOperations(this.#database);
  }

  get store(): TaskStore {
    const operations = this.#operations;
    return {
      insert: (task) => this.#later(() => operations.insert(task)),
      get: (client, taskId) => this.#later(() => operations.get(client, taskId)),
      claim: (client, taskId) => this.#later(() => operations.claim(client, taskId)),
      finish: (ending) => this.#later(() => this.#finish(ending)),
      requeue: (client, taskId, atMs, deadlineMs) =>
        this.#later(() => operations.requeue(client, taskId, atMs, deadlineMs)),
      list: (filter, limit) => this.#later(() => operations.list(filter, limit)),
      messaged: (client, taskId, atMs, idlePickups) =>
        this.#later(() => operations.messaged(client, taskId, atMs, idlePickups)),
      withoutMessageSince: (sinceMs, limit) => this.#later(() => operations.withoutMessageSince(sinceMs, limit)),
      unfinished: () => this.#later(() => operations.unfinished()),
      published: (client, taskId) => this.#later(() => operations.published(client, taskId)),
      unpublished: (endedBeforeMs, limit) => this.#later(() => operations.unpublished(endedBeforeMs, limit)),
      dropContent: (endedBeforeMs, limit) => this.#later(() => operations.dropContent(endedBeforeMs, limit)),
      drop: (endedBeforeMs, limit) => this.#later(() => operations.drop(endedBeforeMs, limit)),
      erase: (client, limit) => this.#later(() => operations.erase(client, limit)),
      close: async () => {},
    };
  }

  task(client: string, taskId: string): StoredTask | undefined {
    return this.#operations.get(client, taskId);
  }

  close(): void {
    this.#database.close();
  }

  #finish(ending: Parameters<TaskOperations['finish']>[0]): Finish {
    const before = this.#operations.get(ending.client, ending.taskId);
    const ended = this.#operations.finish(ending);
    if (ended.kind === 'finished') {
      const key = `${ending.client} ${ending.taskId}`;
      if (before?.fence !== ending.fence)
        this.#time.fail(`task ${ending.taskId}: ended by fence ${ending.fence}, the newest is ${before?.fence}`);
      if (this.#ends.has(key))
        this.#time.fail(`task ${ending.taskId}: ended ${this.#ends.get(key)}, then ${ending.state}`);
      this.#ends.set(key, ending.state);
      this.#time.note(`task ${ending.taskId} has ${ending.state}, by fence ${ending.fence}`);
    }
    return ended;
  }

  async #later<T>(work: () => T): Promise<T> {
    await this.#time.pause(this.#time.between(0.1, 10));
    const answer = work();
    await this.#time.pause(this.#time.between(0.1, 10));
    return answer;
  }
}
