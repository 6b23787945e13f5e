import { contained } from '@will/runtime';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Bus } from '@will/bus';
import { names, patterns } from '@will/contracts';
import type { Priority } from '@will/core';
import { type Measure, measures, type Observing } from '@will/observe';
import type { TaskStore } from '@will/store';

const pollIntervalMs = 5_000;
const priorities: readonly Priority[] = ['high', 'normal', 'background'];

interface Queue {
  readonly waiting: number;
  readonly ageSeconds: number;
  /** That wait for their time, for a worker or for a limit, and are not in the queue meanwhile. */
  readonly scheduled: number;
}

/**
 * Measures how many durable tasks wait or run, by priority, and how old the oldest is; looked at every five seconds.
 */
export async function observeQueue(
  bus: Bus,
  observing: Observing,
  store: Pick<TaskStore, 'unfinished'>,
  nowMs: () => number,
): Promise<{ stop(): void }> {
  // Where nobody can ask for it, nothing is looked at.
  if (!observing.isMeasuring) return { stop: () => {} };
  const manager = await jetstreamManager(bus.connection);
  let queues = new Map<Priority, Queue>();
  const look = async (): Promise<void> => {
    const seen = new Map<Priority, Queue>();
    const unfinished = await store.unfinished();
    for (const priority of priorities) {
      const { num_pending, num_ack_pending } = await manager.consumers.info(names.tasksStream, priority);
      const waiting = num_pending + num_ack_pending;
      // A message is gone once its task has ended, so the first one there is the oldest.
      const first = { seq: 1, next_by_subj: patterns.taskQueue(priority) };
      const oldest = waiting === 0 ? undefined : await manager.streams.getMessage(names.tasksStream, first);
      const ageSeconds = oldest ? Math.max(0, nowMs() - oldest.time.getTime()) / 1_000 : 0;
      seen.set(priority, { waiting, ageSeconds, scheduled: Math.max(0, (unfinished[priority] ?? 0) - waiting) });
    }
    queues = seen;
  };
  const refreshAgain = (): void => void look().catch(() => {});
  refreshAgain();
  const timer = setInterval(contained(refreshAgain), pollIntervalMs);
  const watch = (measure: Measure, valueOf: (queue: Queue) => number): void =>
    observing.watch(measure, () => [...queues].map(([priority, queue]) => [valueOf(queue), { priority }] as const));
  watch(measures.queueWaiting, ({ waiting }) => waiting);
  watch(measures.queueAge, ({ ageSeconds }) => ageSeconds);
  watch(measures.queueScheduled, ({ scheduled }) => scheduled);
  return { stop: () => clearInterval(timer) };
}
