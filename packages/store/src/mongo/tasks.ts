import { Binary, type Collection, type Filter, type WithId } from 'mongodb';
import type { Priority } from '@will/core';
import { StoreError } from '../errors.ts';
import type {
  TaskClaim,
  Ending,
  Finish,
  Insertion,
  NewTask,
  Requeue,
  StoredTask,
  TaskFilter,
  TaskState,
  TaskStore,
} from '../tasks.ts';
import { commandLimitMs, openMongo, type MongoPlace, type MongoSchema } from './connect.ts';
import { isDuplicate, storeErrorOf } from './failures.ts';
import { InTurns } from './in-turns.ts';

interface TaskDocument {
  readonly _id: string;
  readonly client: string;
  readonly taskId: string;
  readonly idempotencyKey: string;
  readonly bodyHash: string;
  readonly type: string;
  readonly project?: string;
  readonly priority: string;
  readonly createdAtMs: number;
  readonly deadlineMs: number;
  readonly body: Binary;
  readonly state: string;
  readonly fence: number;
  readonly idlePickups?: number;
  /** Until it is finished: since when nobody heard of it. */
  readonly quietSinceMs: number;
  readonly isFinished: boolean;
  readonly messagedAtMs?: number;
  readonly waitsFor?: string;
  readonly finishedAtMs?: number;
  readonly result?: Binary;
  /** Body and result were dropped. */
  readonly isEmptied?: boolean;
  readonly isPublished?: boolean;
  readonly deadReason?: string;
}

const priorities: readonly Priority[] = ['background', 'normal', 'high'];

/** Steps that make and change the collection of tasks. */
export const taskSchema: MongoSchema = {
  kind: 'tasks',
  migrations: [
    async (database) => {
      const tasks = database.collection('tasks');
      await tasks.createIndex({ client: 1, idempotencyKey: 1 }, { unique: true });
      await tasks.createIndex({ createdAtMs: -1 });
      await tasks.createIndex({ client: 1, createdAtMs: -1 });
      await tasks.createIndex({ state: 1, createdAtMs: -1 });
      await tasks.createIndex({ isFinished: 1, quietSinceMs: 1 });
    },
    async (database) => {
      await database.collection('tasks').createIndex({ isFinished: 1, finishedAtMs: 1 });
    },
    async (database) => {
      const tasks = database.collection('tasks');
      await tasks.updateMany({ isFinished: true }, { $set: { isPublished: true } });
      await tasks.createIndex({ isFinished: 1, isPublished: 1, finishedAtMs: 1 });
    },
    // Made a partial index once, which not every server that speaks the protocol has.
    async () => {},
    async (database) => {
      const tasks = database.collection('tasks');
      const key = { client: 1, deadReason: 1, createdAtMs: -1 } as const;
      await tasks.dropIndex('client_1_deadReason_1_createdAtMs_-1').catch(() => {});
      await tasks.createIndex(key);
    },
  ],
};

const maxTime = { maxTimeMS: commandLimitMs };

/** Opens the tasks in MongoDB. @throws {StoreError} it cannot be reached. */
export async function openMongoTaskStore(place: MongoPlace): Promise<TaskStore> {
  const { database, close } = await openMongo(place, taskSchema);
  return new MongoTasks(database.collection('tasks'), close);
}

/** Each write changes one document under a condition, so none needs a transaction. What is asked of a task goes in turn. */
class MongoTasks implements TaskStore {
  readonly #tasks: Collection<TaskDocument>;
  readonly #turns = new InTurns();
  readonly #disconnect: () => Promise<void>;

  constructor(tasks: Collection<TaskDocument>, disconnect: () => Promise<void>) {
    this.#tasks = tasks;
    this.#disconnect = disconnect;
  }

  insert(task: NewTask): Promise<Insertion> {
    return this.#inTurn(task.client, task.taskId, async () => {
      const known = await this.#sameAs(task);
      if (known) return known;
      try {
        await this.#tasks.insertOne(documentOf(task));
        return { kind: 'inserted', task: fresh(task) };
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        const other = await this.#sameAs(task);
        if (!other) throw error;
        return other;
      }
    });
  }

  get(client: string, taskId: string): Promise<StoredTask | undefined> {
    return this.#inTurn(client, taskId, () => this.#find({ _id: idOf(client, taskId) }));
  }

  claim(client: string, taskId: string): Promise<TaskClaim> {
    return this.#inTurn(client, taskId, async () => {
      const _id = idOf(client, taskId);
      const raised = { $inc: { fence: 1 }, $set: { state: 'running' } };
      const claimed = await this.#update({ _id, isFinished: false }, raised);
      if (claimed) return { kind: 'claimed', task: claimed };
      const task = await this.#find({ _id });
      return task ? { kind: 'finished', task } : { kind: 'unknown' };
    });
  }

  finish({ client, taskId, fence, state, result, atMs, deadReason }: Ending): Promise<Finish> {
    return this.#inTurn(client, taskId, async () => {
      const _id = idOf(client, taskId);
      const dead = deadReason === undefined ? {} : { deadReason };
      const ended = { $set: { state, result: new Binary(result), finishedAtMs: atMs, isFinished: true, ...dead } };
      const finished = await this.#update({ _id, fence, isFinished: false }, ended);
      if (finished) return { kind: 'finished', task: finished };
      const task = await this.#find({ _id });
      if (!task) return { kind: 'unknown' };
      return { kind: task.finishedAtMs === undefined ? 'fenced_off' : 'was_finished', task };
    });
  }

  requeue(client: string, taskId: string, atMs: number, deadlineMs: number): Promise<Requeue> {
    return this.#inTurn(client, taskId, async () => {
      const _id = idOf(client, taskId);
      const again = { state: 'waiting', isFinished: false, isPublished: false, deadlineMs };
      const revived = {
        $set: { ...again, messagedAtMs: atMs, quietSinceMs: atMs },
        $unset: { result: '', finishedAtMs: '', deadReason: '', waitsFor: '' },
      };
      const isDead = { deadReason: { $exists: true }, isEmptied: { $ne: true } };
      const requeued = await this.#update({ _id, ...isDead }, revived);
      if (requeued) return { kind: 'requeued', task: requeued };
      const task = await this.#find({ _id });
      return task ? { kind: 'refused', task } : { kind: 'unknown' };
    });
  }

  list({ client, projects = [], state, dead }: TaskFilter, limit: number): Promise<readonly StoredTask[]> {
    const filter = {
      ...(client !== undefined && { client }),
      ...(projects.length > 0 && { project: { $in: [...projects] } }),
      ...(state !== undefined && { state }),
      ...(dead && { deadReason: { $exists: true } }),
    };
    return this.#orStoreError(() => someOf(this.#tasks, filter, { createdAtMs: -1, _id: -1 }, limit));
  }

  messaged(client: string, taskId: string, atMs: number, idlePickups = 0, waitsFor?: string): Promise<void> {
    return this.#inTurn(client, taskId, async () => {
      const noted = {
        $set: { messagedAtMs: atMs, quietSinceMs: atMs, ...(waitsFor !== undefined && { waitsFor }) },
        $inc: { idlePickups },
        ...(waitsFor === undefined && { $unset: { waitsFor: '' as const } }),
      };
      if ((await this.#tasks.updateOne({ _id: idOf(client, taskId) }, noted)).matchedCount === 0)
        throw new StoreError('not_found', `client ${client} has no task ${taskId}`);
    });
  }

  withoutMessageSince(sinceMs: number, limit: number): Promise<readonly StoredTask[]> {
    return this.#orStoreError(() =>
      someOf(this.#tasks, { isFinished: false, quietSinceMs: { $lt: sinceMs } }, { quietSinceMs: 1, _id: 1 }, limit),
    );
  }

  async unfinished(): Promise<Readonly<Partial<Record<Priority, number>>>> {
    const counted = priorities.map(
      async (priority) => [priority, await this.#tasks.countDocuments({ isFinished: false, priority })] as const,
    );
    return Object.fromEntries(await Promise.all(counted));
  }

  published(client: string, taskId: string): Promise<void> {
    return this.#inTurn(client, taskId, async () => {
      await this.#tasks.updateOne({ _id: idOf(client, taskId) }, { $set: { isPublished: true } });
    });
  }

  unpublished(endedBeforeMs: number, limit: number): Promise<readonly StoredTask[]> {
    const filter = { isFinished: true, isPublished: { $ne: true }, finishedAtMs: { $lt: endedBeforeMs } };
    return this.#orStoreError(() => someOf(this.#tasks, filter, { finishedAtMs: 1, _id: 1 }, limit));
  }

  async dropContent(endedBeforeMs: number, limit: number): Promise<number> {
    const emptied = { $set: { body: new Binary(), isEmptied: true }, $unset: { result: '' } } as const;
    const some = await this.#orStoreError(() =>
      endedBefore(this.#tasks, endedBeforeMs, { isEmptied: { $ne: true } }, limit),
    );
    return this.#orStoreError(
      async () => (await this.#tasks.updateMany({ _id: { $in: some } }, emptied)).modifiedCount,
    );
  }

  async drop(endedBeforeMs: number, limit: number): Promise<number> {
    const some = await this.#orStoreError(() => endedBefore(this.#tasks, endedBeforeMs, {}, limit));
    return this.#orStoreError(async () => (await this.#tasks.deleteMany({ _id: { $in: some } })).deletedCount);
  }

  async erase(client: string, limit: number): Promise<number> {
    const some = await this.#orStoreError(() => endedBefore(this.#tasks, Number.MAX_SAFE_INTEGER, { client }, limit));
    return this.#orStoreError(async () => (await this.#tasks.deleteMany({ _id: { $in: some } })).deletedCount);
  }

  async close(): Promise<void> {
    await this.#turns.ended();
    await this.#disconnect();
  }

  async #inTurn<T>(client: string, taskId: string, body: () => Promise<T>): Promise<T> {
    try {
      return await this.#turns.take(idOf(client, taskId), body);
    } catch (error) {
      throw storeErrorOf(error);
    }
  }

  /**
   * The task that was submitted under this key, else under this id. The same submission may come through another process
   * between the two queries.
   */
  async #sameAs({ client, taskId, idempotencyKey, bodyHash }: NewTask): Promise<Insertion | undefined> {
    const task = (await this.#find({ client, idempotencyKey })) ?? (await this.#find({ _id: idOf(client, taskId) }));
    const isSame = task?.idempotencyKey === idempotencyKey && task.bodyHash === bodyHash;
    return task && { kind: isSame ? 'repeated' : 'conflict', task };
  }

  async #find(filter: Filter<TaskDocument>): Promise<StoredTask | undefined> {
    const found = await this.#tasks.findOne(filter, maxTime);
    return found ? taskOf(found) : undefined;
  }

  async #update(filter: Filter<TaskDocument>, change: object): Promise<StoredTask | undefined> {
    const changed = await this.#tasks.findOneAndUpdate(filter, change, { ...maxTime, returnDocument: 'after' });
    return changed ? taskOf(changed) : undefined;
  }

  async #orStoreError<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storeErrorOf(error);
    }
  }
}

async function someOf(
  tasks: Collection<TaskDocument>,
  filter: Filter<TaskDocument>,
  sort: Record<string, 1 | -1>,
  limit: number,
): Promise<StoredTask[]> {
  return (await tasks.find(filter, maxTime).sort(sort).limit(limit).toArray()).map(taskOf);
}

/** Ids of some tasks that ended before the instant. */
async function endedBefore(
  tasks: Collection<TaskDocument>,
  beforeMs: number,
  more: Filter<TaskDocument>,
  limit: number,
): Promise<string[]> {
  const filter = { isFinished: true, finishedAtMs: { $lt: beforeMs }, ...more };
  const found = tasks.find(filter, { ...maxTime, projection: { _id: 1 } }).limit(limit);
  return (await found.toArray()).map(({ _id }) => _id);
}

/** Client slugs hold no slash. */
const idOf = (client: string, taskId: string): string => `${client}/${taskId}`;

const documentOf = (task: NewTask): TaskDocument => ({
  ...task,
  _id: idOf(task.client, task.taskId),
  body: new Binary(task.body),
  state: 'waiting',
  fence: 0,
  quietSinceMs: task.createdAtMs,
  isFinished: false,
});

const fresh = (task: NewTask): StoredTask => ({
  ...task,
  state: 'waiting',
  fence: 0,
  idlePickups: 0,
  messagedAtMs: undefined,
  waitsFor: undefined,
  finishedAtMs: undefined,
  result: undefined,
  deadReason: undefined,
});

const taskOf = (found: WithId<TaskDocument>): StoredTask => ({
  client: found.client,
  taskId: found.taskId,
  idempotencyKey: found.idempotencyKey,
  bodyHash: found.bodyHash,
  type: found.type,
  project: found.project ?? '',
  priority: found.priority as Priority,
  createdAtMs: found.createdAtMs,
  deadlineMs: found.deadlineMs,
  body: bytesOf(found.body),
  state: found.state as TaskState,
  fence: Number(found.fence),
  idlePickups: Number(found.idlePickups ?? 0),
  messagedAtMs: found.messagedAtMs,
  waitsFor: found.waitsFor,
  finishedAtMs: found.finishedAtMs,
  result: found.result && bytesOf(found.result),
  deadReason: found.deadReason,
});

const bytesOf = ({ buffer, position }: Binary): Uint8Array => new Uint8Array(buffer.subarray(0, position));
