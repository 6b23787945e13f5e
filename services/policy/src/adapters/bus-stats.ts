import { DeliverPolicy, jetstream, type ConsumerMessages } from '@nats-io/jetstream';
import { ensureStreams, type Bus } from '@will/bus';
import { names, readEvents, subjects, type WantedEvents, type wire } from '@will/contracts';
import type { ChangeBook, ModelChange, Outcome, Snapshot, StatsBook, ToldRecord } from '@will/core';

/** Health and speed fade within minutes: a process that starts anew reads so far back. Feedback are read from the first. */
const readBackMs = 3_600_000;
const retryMs = 1_000;

const outcomes: ReadonlySet<string> = new Set<Outcome>(['Success', 'Timeout', 'Blocked']);

/** The statistics that the stream of events is folded into. */
export interface Books {
  readonly stats: StatsBook;
  readonly changes: ChangeBook;
  /** Told of each silent change of a model. */
  readonly onChange: (change: ModelChange) => void;
}

/** Folds the stream of events into the books, in its order. */
export async function foldEvents(
  bus: Bus,
  books: Books,
  snapshot: () => Snapshot | undefined,
  onError: (what: string, error: unknown) => void,
): Promise<{ stop(): Promise<void> }> {
  await ensureStreams(bus);
  const fold = (data: Uint8Array): void => {
    const documents = snapshot();
    if (documents) foldBatch(books, documents, data);
  };
  const records = await follow(
    bus,
    {
      filter_subjects: [subjects.event('worker', 'records'), subjects.event('router', 'records')],
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(Date.now() - readBackMs).toISOString(),
    },
    fold,
    onError,
  );
  const feedback = await follow(
    bus,
    { filter_subjects: [subjects.event('telemetry', 'feedback')], deliver_policy: DeliverPolicy.All },
    fold,
    onError,
  );
  return {
    async stop() {
      await Promise.all([records.stop(), feedback.stop()]);
    },
  };
}

type From = Parameters<ReturnType<typeof jetstream>['consumers']['get']>[1];

async function follow(
  bus: Bus,
  from: Exclude<From, string | undefined>,
  fold: (data: Uint8Array) => void,
  onError: (what: string, error: unknown) => void,
): Promise<{ stop(): Promise<void> }> {
  let messages: ConsumerMessages | undefined;
  let isStopped = false;
  const read = async (): Promise<void> => {
    while (!isStopped) {
      try {
        const consumer = await jetstream(bus.connection).consumers.get(names.eventsStream, from);
        messages = await consumer.consume();
        for await (const message of messages) fold(message.data);
      } catch (error) {
        if (!isStopped) onError('the stream of events cannot be read for statistics', error);
      }
      if (!isStopped) await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  };
  void read();
  return {
    async stop() {
      isStopped = true;
      await messages?.close();
    },
  };
}

function foldBatch(books: Books, snapshot: Snapshot, data: Uint8Array): void {
  try {
    readEvents(data, (kind) => fold(books, snapshot, kind), counted);
  } catch {
    // Telemetry counts what cannot be read and tells of it.
  }
}

const counted: WantedEvents = { call: true, feedback: true };

function fold({ stats, changes, onChange }: Books, snapshot: Snapshot, kind: wire.Event['kind']): void {
  if (kind.case === 'call') {
    const record = recordOf(kind.value);
    if (!record) return;
    stats.record(snapshot, record);
    for (const change of changesIn(changes, kind.value, record)) onChange(change);
  } else if (kind.case === 'feedback') {
    const { model, modelVersion, taskType, score, atUnixMs } = kind.value;
    if (!(score >= 0 && score <= 1)) return;
    const atMs = Number(atUnixMs);
    stats.addFeedback(snapshot, { model, version: modelVersion, taskType, score, atMs });
    for (const change of changes.score({ model, modelVersion, taskType, score, atMs })) onChange(change);
  }
}

/** Only the worker has seen what the provider answered. */
const changesIn = (changes: ChangeBook, told: wire.CallRecord, record: ToldRecord): readonly ModelChange[] =>
  record.model === undefined || told.writtenBy !== 'worker'
    ? []
    : changes.record({
        ...record,
        model: record.model,
        client: told.client,
        finish: told.finish,
        servedVersion: told.servedVersion,
      });

function recordOf(record: wire.CallRecord): ToldRecord | undefined {
  if (!outcomes.has(record.outcome)) return undefined;
  return {
    attemptId: record.attemptId,
    attempt: record.attempt,
    model: record.model === '' ? undefined : record.model,
    modelVersion: record.modelVersion === '' ? undefined : record.modelVersion,
    taskType: record.taskType,
    startedAtMs: Number(record.startedUnixMs),
    durationMs: record.durationMs,
    firstContentMs: record.firstContentMs,
    outcome: record.outcome as Outcome,
    status: record.status,
    usage: record.usage,
    streamed: record.streamed,
  };
}
