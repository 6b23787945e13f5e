import { contained } from '@will/runtime';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Bus } from '@will/bus';
import { names, patterns } from '@will/contracts';
import type { Priority } from '@will/core';
import { measures, type Observing } from '@will/observe';

const pollIntervalMs = 5_000;
const priorities: readonly Priority[] = ['high', 'normal', 'background'];

interface Queue {
  readonly waiting: number;
  readonly ageSeconds: number;
}

/** How many durable tasks wait or run, by priority, and how old the oldest is; looked at every five seconds. */
export async function observeQueue(bus: Bus, observing: Observing, nowMs: () => number): Promise<{ stop(): void }> {
  // Where nobody can ask for it, nothing is looked at.
  if (!observing.isMeasuring) return { stop: () => {} };
  const manager = await jetstreamManager(bus.connection);
  let queues = new Map<Priority, Queue>();
  let scheduled = 0;
  const look = async (): Promise<void> => {
    const seen = new Map<Priority, Queue>();
    for (const priority of priorities) {
      const { num_pending, num_ack_pending } = await manager.consumers.info(names.tasksStream, priority);
      const waiting = num_pending + num_ack_pending;
      // A message is gone once its task has ended, so the first one there is the oldest.
      const first = { seq: 1, next_by_subj: patterns.taskQueue(priority) };
      const oldest = waiting === 0 ? undefined : await manager.streams.getMessage(names.tasksStream, first);
      seen.set(priority, { waiting, ageSeconds: oldest ? Math.max(0, nowMs() - oldest.time.getTime()) / 1_000 : 0 });
    }
    // What the stream holds beside the queues waits for its time.
    const { messages } = (await manager.streams.info(names.tasksStream)).state;
    const queued = [...seen.values()].reduce((sum, { waiting }) => sum + waiting, 0);
    scheduled = Math.max(0, messages - queued);
    queues = seen;
  };
  const refreshAgain = (): void => void look().catch(() => {});
  refreshAgain();
  const timer = setInterval(contained(refreshAgain), pollIntervalMs);
  observing.watch(measures.queueWaiting, function* () {
    for (const [priority, { waiting }] of queues) yield [waiting, { priority }] as const;
  });
  observing.watch(measures.queueAge, function* () {
    for (const [priority, { ageSeconds }] of queues) yield [ageSeconds, { priority }] as const;
  });
  observing.watch(measures.queueScheduled, () => [[scheduled]]);
  return { stop: () => clearInterval(timer) };
}
