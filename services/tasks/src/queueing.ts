import { createHash } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { create, wire } from '@will/contracts';
import type { StoredTask } from '@will/store';
import { cheapestStart } from './cheapest-start.ts';
import type { TasksSnapshots } from './ports.ts';
import { leadMs, startTime } from './start-time.ts';
import type { StartWish, Submissions } from './submission.ts';
import { endTask, expiredFailure, publishEnd, type TaskEndDeps } from './task-end.ts';

/** Ports by which tasks come into the queue. */
export interface QueueingDeps extends TaskEndDeps {
  readonly snapshots: TasksSnapshots;
}

/** Puts tasks into the queue: at once, or when they wish to start; and again where their message is lost. */
export class Queueing {
  readonly #deps: QueueingDeps;
  readonly #submissions: Submissions;

  constructor(deps: QueueingDeps, submissions: Submissions) {
    this.#deps = deps;
    this.#submissions = submissions;
  }

  /** @param again tells this message from an earlier one of the task, which is not put there twice. */
  async add(
    { client, taskId, priority, type, deadlineMs }: StoredTask,
    wish: StartWish,
    notBeforeMs: number,
    again = '',
  ): Promise<number> {
    const { queue, store, snapshots, nowMs } = this.#deps;
    const now = nowMs();
    const snapshot = snapshots.current;
    const atMs =
      'cheapest' in wish && snapshot
        ? cheapestStart({
            snapshot,
            client,
            task: wish.cheapest,
            earliestMs: Math.max(now, notBeforeMs),
            latestMs: deadlineMs - leadMs,
          })
        : startTime({
            nowMs: now,
            notBeforeMs,
            deadlineMs,
            schedule: 'schedule' in wish ? wish.schedule : undefined,
            client: snapshot?.clients.get(client),
            spread: spreadOf(taskId),
          });
    const reference = create(wire.TaskReferenceSchema, { client, taskId });
    if (atMs > now) await queue.addAt(reference, priority, type, atMs);
    else await queue.add(reference, priority, type, `${client}.${taskId}${again}`);
    await store.messaged(client, taskId, atMs);
    return atMs;
  }

  /** Puts tasks back into the queue of which no message is under way. @returns how many. */
  async reconcile(sinceMs: number): Promise<number> {
    const { store, queue, nowMs } = this.#deps;
    // Who ended them died or lost the bus before anybody heard of it.
    for (const task of await store.unpublished(sinceMs, 500)) await publishEnd(this.#deps, task);
    let lost = 0;
    for (const task of await store.withoutMessageSince(sinceMs, 500)) {
      const { client, taskId } = task;
      if (task.deadlineMs <= nowMs()) {
        // Also one that somebody picked up and nobody shows to be running.
        await endTask(this.#deps, task, 'expired', expiredFailure());
        continue;
      }
      if (!(await this.#isQueued(task))) {
        lost += 1;
        if (task.fence === 0) {
          await this.#enqueueLost(task);
          continue;
        }
        // As one that was parked: it is the task's only message, whatever is thought of who ran it.
        const reference = create(wire.TaskReferenceSchema, { client, taskId, parkings: 1 });
        await queue.add(reference, task.priority, task.type, `${client}.${taskId}:${nowMs()}`);
      }
      await store.messaged(client, taskId, nowMs());
    }
    return lost;
  }

  /** Behind a long queue a task waits for long without being lost: a second message would have it run twice. */
  async #isQueued({ state, priority, createdAtMs, messagedAtMs = createdAtMs }: StoredTask): Promise<boolean> {
    return state === 'waiting' && messagedAtMs > (await this.#deps.queue.queuedSinceMs(priority)) - 1_000;
  }

  /** It was accepted by a process that died before it had put it into the queue: to start when it was to start. */
  async #enqueueLost(stored: StoredTask): Promise<void> {
    const { task, defer, notBeforeUnixMs } = fromBinary(wire.SubmitRequestSchema, stored.body);
    await this.add(stored, this.#submissions.wishStill(defer, task), Number(notBeforeUnixMs), `:${this.#deps.nowMs()}`);
  }
}

/** The same for the same task: where in the first part of a window it starts. */
const spreadOf = (taskId: string): number => createHash('sha256').update(taskId).digest().readUInt32BE(0) / 2 ** 32;
