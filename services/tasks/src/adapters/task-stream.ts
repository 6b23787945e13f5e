import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  jetstream,
  type JetStreamClient,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type JsMsg,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { type Bus, BusError } from '@will/bus';
import { names, patterns, subjects, wire } from '@will/contracts';
import type { Priority } from '@will/core';
import { within } from '@will/runtime';
import type { QueuedTask, TaskQueue } from '../ports.ts';

const second = 1e9;
/** What is stored is confirmed in a few milliseconds; after so long it is asked whether anything is stored at all. */
const confirmsWithinMs = 350;
const pullMs = 5_000;
const ackWaitMs = 10_000;
const resultsAgeMs = 24 * 3_600_000;
const wrongLastSequence = 10071;
const priorities: readonly Priority[] = ['high', 'normal', 'background'];

/** On disk, and without a lifetime of their own: a message that vanished by itself would be a task without an end. */
const tasks: Partial<StreamConfig> & { name: string } = {
  name: names.tasksStream,
  subjects: [patterns.taskQueues, patterns.taskSchedules],
  retention: RetentionPolicy.Workqueue,
  storage: StorageType.File,
  // Schedules do not go with `new`; without a limit nothing is discarded.
  discard: DiscardPolicy.Old,
  allow_msg_schedules: true,
  duplicate_window: 120 * second,
};
const results: Partial<StreamConfig> & { name: string } = {
  name: names.resultsStream,
  subjects: [patterns.taskResults],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  max_age: (resultsAgeMs / 1_000) * second,
  duplicate_window: 120 * second,
};

/** Makes the streams and consumers that are not there. */
export async function openTaskStream(bus: Bus): Promise<TaskQueueStream> {
  const manager = await jetstreamManager(bus.connection);
  for (const stream of [tasks, results])
    await manager.streams.info(stream.name).catch(() => manager.streams.add(stream));
  const stream = new TaskQueueStream(bus, manager);
  await stream.open();
  return stream;
}

/** The queue of durable tasks on the bus: one consumer per priority, schedules of the server for what starts later. */
export class TaskQueueStream implements TaskQueue {
  readonly #bus: Bus;
  readonly #manager: JetStreamManager;
  readonly #jetstream: JetStreamClient;
  readonly #consumers = new Map<Priority, Consumer>();

  constructor(bus: Bus, manager: JetStreamManager) {
    this.#bus = bus;
    this.#manager = manager;
    this.#jetstream = jetstream(bus.connection, { timeout: 3_000 });
  }

  async open(): Promise<void> {
    for (const priority of priorities) {
      await this.#manager.consumers.add(names.tasksStream, {
        durable_name: priority,
        filter_subject: patterns.taskQueue(priority),
        ack_policy: AckPolicy.Explicit,
        ack_wait: (ackWaitMs / 1_000) * second,
        // Dead letters are ours: the server would leave the message in the stream for ever.
        max_deliver: -1,
        max_ack_pending: 10_000,
      });
      this.#consumers.set(priority, await this.#jetstream.consumers.get(names.tasksStream, priority));
    }
  }

  async add(reference: wire.TaskReference, priority: Priority, type: string, id: string): Promise<void> {
    const subject = subjects.taskQueue(priority, reference.client, type);
    await this.#publish(subject, toBinary(wire.TaskReferenceSchema, reference), { msgID: id });
  }

  async addAt(reference: wire.TaskReference, priority: Priority, type: string, atMs: number): Promise<void> {
    const target = subjects.taskQueue(priority, reference.client, type);
    await this.#publish(
      subjects.taskSchedule(reference.client, reference.taskId),
      toBinary(wire.TaskReferenceSchema, reference),
      { schedule: { specification: { at: new Date(Math.ceil(atMs)) }, target } },
    );
  }

  async next(priority: Priority): Promise<QueuedTask | undefined> {
    const message = await this.#consumers.get(priority)?.next({ expires: pullMs });
    if (!message) return undefined;
    const reference = read(message);
    if (reference) return queued(message, reference);
    // No service of ours wrote it.
    message.term('not a task');
    return undefined;
  }

  async queuedSinceMs(priority: Priority): Promise<number> {
    const { num_pending, delivered } = await this.#manager.consumers.info(names.tasksStream, priority);
    if (num_pending === 0) return Infinity;
    const next = { seq: delivered.stream_seq + 1, next_by_subj: patterns.taskQueue(priority) };
    return (await this.#manager.streams.getMessage(names.tasksStream, next))?.time.getTime() ?? Infinity;
  }

  async publishResult(task: wire.DurableTask): Promise<void> {
    const subject = subjects.taskResult(task.client, task.taskId);
    try {
      await this.#publish(subject, toBinary(wire.DurableTaskSchema, task), {
        // Of a task that was requeued another end is another message.
        msgID: `${task.client}.${task.taskId}.${task.pickups}`,
        expect: { lastSubjectSequence: 0 },
      });
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== wrongLastSequence) throw error;
    }
  }

  /**
   * A server whose disk is full answers questions, and never what it was sent to store. The one that publishes is told so once a
   * question that was asked later was answered, and some time beyond: on a slow machine that takes longer, too.
   */
  async #publish(...message: Parameters<JetStreamClient['publish']>): Promise<void> {
    const confirmed = this.#jetstream.publish(...message);
    if (await within(confirmed, confirmsWithinMs)) return;
    await Promise.race([confirmed, this.#manager.getAccountInfo()]);
    if (await within(confirmed, confirmsWithinMs)) return;
    throw new BusError('timeout', 'the bus does not store what it is sent; its disk may be full');
  }

  async withdrawResult(client: string, taskId: string): Promise<void> {
    await this.#manager.streams.purge(names.resultsStream, { filter: subjects.taskResult(client, taskId) });
  }

  async erase(client: string): Promise<void> {
    await this.#manager.streams.purge(names.resultsStream, { filter: patterns.taskResultsOf(client) });
    for (const filter of [patterns.taskQueuesOf(client), patterns.taskSchedulesOf(client)])
      await this.#manager.streams.purge(names.tasksStream, { filter });
  }

  onResult(listener: (client: string, taskId: string) => void): () => void {
    const results = this.#bus.listen(patterns.taskResults, ({ subject }) => {
      const [, , , client = '', taskId = ''] = subject.split('.');
      listener(client, taskId);
    });
    return () => results.unsubscribe();
  }
}

function read({ data }: JsMsg): wire.TaskReference | undefined {
  try {
    return fromBinary(wire.TaskReferenceSchema, data);
  } catch {
    return undefined;
  }
}

const queued = (message: JsMsg, reference: wire.TaskReference): QueuedTask => ({
  reference,
  deliveries: message.info.deliveryCount,
  working: () => message.working(),
  done: async () => {
    await message.ackAck();
  },
  giveBack: () => message.nak(),
});
