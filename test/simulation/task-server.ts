import type { Priority } from '@will/core';
import type { wire } from '@will/contracts';
import type { QueuedTask, TaskQueue } from '../../services/tasks/src/ports.ts';
import type { Network } from './network.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

const ackWaitMs = 10_000;
const pullMs = 5_000;
const askMs = 3_000;
const duplicateWindowMs = 120_000;

interface Message {
  readonly reference: wire.TaskReference;
  readonly priority: Priority;
  readonly putAtMs: number;
  deliveries: number;
  /** Given out until then, unless it is acknowledged. */
  leasedUntilMs: number;
  isDone: boolean;
}

interface Schedule {
  readonly reference: wire.TaskReference;
  readonly priority: Priority;
}

/** The stream of durable tasks and that of their results, as the server has them: leases, redeliveries, schedules, duplicates. */
export class TaskServer {
  /** Of each task the one result that was published. */
  readonly results = new Map<string, wire.DurableTask>();
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #messages: Message[] = [];
  readonly #ids = new Map<string, number>();
  readonly #schedules = new Map<string, Schedule>();
  readonly #listeners = new Set<{ readonly actor: Actor; readonly hear: (client: string, taskId: string) => void }>();

  constructor(time: VirtualTime, network: Network) {
    this.#time = time;
    this.#network = network;
  }

  clientOf(actor: Actor): TaskQueue {
    return {
      add: (reference, priority, _type, id) => this.#network.ask(() => this.#add(reference, priority, id), askMs),
      addAt: (reference, priority, _type, atMs) =>
        this.#network.ask(() => this.#schedule({ reference, priority }, atMs), askMs),
      next: (priority) => this.#next(priority),
      queuedSinceMs: (priority) => this.#network.ask(() => this.#queuedSinceMs(priority), askMs),
      publishResult: (task) => this.#network.ask(() => this.#publish(task), askMs),
      withdrawResult: (client, taskId) =>
        this.#network.ask(() => void this.results.delete(`${client} ${taskId}`), askMs),
      erase: () => Promise.reject(new Error('no client is erased in this world')),
      onResult: (hear) => {
        const listener = { actor, hear };
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  #add(reference: wire.TaskReference, priority: Priority, id: string): void {
    const { nowMs } = this.#time;
    if (nowMs - (this.#ids.get(id) ?? -Infinity) < duplicateWindowMs) return;
    this.#ids.set(id, nowMs);
    this.#put(reference, priority);
  }

  #put(reference: wire.TaskReference, priority: Priority): void {
    this.#messages.push({
      reference,
      priority,
      putAtMs: this.#time.nowMs,
      deliveries: 0,
      leasedUntilMs: 0,
      isDone: false,
    });
  }

  #queuedSinceMs(priority: Priority): number {
    const waiting = this.#messages.filter((one) => one.priority === priority && one.deliveries === 0);
    return Math.min(Infinity, ...waiting.map(({ putAtMs }) => putAtMs));
  }

  /** One per task: a later one takes the place of an earlier. */
  #schedule(schedule: Schedule, atMs: number): void {
    const key = `${schedule.reference.client} ${schedule.reference.taskId}`;
    this.#schedules.set(key, schedule);
    this.#time.surelyAfter(atMs - this.#time.nowMs, () => {
      if (this.#schedules.get(key) !== schedule) return;
      this.#schedules.delete(key);
      this.#put(schedule.reference, schedule.priority);
    });
  }

  async #next(priority: Priority): Promise<QueuedTask | undefined> {
    const untilMs = this.#time.sinceStartMs + pullMs;
    while (this.#time.sinceStartMs < untilMs) {
      const given = await this.#network
        .ask(() => this.#give(priority), pullMs)
        .catch((error: unknown) => {
          // A message that was lost on its way is given out again, later.
          if ((error as { code?: string }).code === 'timeout') return undefined;
          throw error;
        });
      if (given) return given;
      await this.#time.pause(500);
    }
    return undefined;
  }

  #give(priority: Priority): QueuedTask | undefined {
    const { nowMs } = this.#time;
    const message = this.#messages.find(
      (one) => one.priority === priority && !one.isDone && one.leasedUntilMs <= nowMs,
    );
    if (!message) return undefined;
    message.deliveries += 1;
    message.leasedUntilMs = nowMs + ackWaitMs;
    const { reference, deliveries } = message;
    const lease = (ms: number): void => {
      if (message.deliveries === deliveries) message.leasedUntilMs = this.#time.nowMs + ms;
    };
    this.#time.note(`task ${reference.taskId} is given out for the ${deliveries}. time`);
    return {
      reference,
      deliveries,
      working: () => this.#network.send(() => lease(ackWaitMs)),
      giveBack: () => this.#network.send(() => lease(0)),
      done: () =>
        this.#network.ask(() => {
          message.isDone = true;
        }, askMs),
    };
  }

  #publish(task: wire.DurableTask): void {
    const key = `${task.client} ${task.taskId}`;
    if (this.results.has(key)) return;
    this.results.set(key, task);
    for (const { actor, hear } of this.#listeners) this.#network.send(() => hear(task.client, task.taskId), actor);
  }
}
