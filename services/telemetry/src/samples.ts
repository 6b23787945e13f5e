import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { create, newId, wire } from '@will/contracts';

// Values for tests.

type Kind = wire.Event['kind'];
type RecordShape = Partial<Omit<wire.CallRecord, '$typeName' | '$unknown'>>;

export const wireRecord = (stated: RecordShape = {}): wire.CallRecord =>
  create(wire.CallRecordSchema, {
    attemptId: newId(),
    taskId: newId(),
    decisionId: newId(),
    attempt: 1,
    revision: 3n,
    client: 'acmelegal',
    taskType: 'text_gen',
    model: 'gpt-4',
    dataClass: wire.DataClass.OPEN,
    priority: wire.Priority.NORMAL,
    startedUnixMs: 1_000n,
    durationMs: 20,
    outcome: 'Success',
    status: 'Success',
    writtenBy: 'worker',
    ...stated,
  });

export const callEvent = (record: wire.CallRecord): Kind => ({ case: 'call', value: record });

export const intentEvent = (record: wire.CallRecord, deadlineUnixMs: number): Kind => ({
  case: 'intent',
  value: create(wire.AttemptIntentSchema, {
    record: { ...record, outcome: '', status: '', durationMs: 0, writtenBy: 'router' },
    deadlineUnixMs: BigInt(deadlineUnixMs),
  }),
});

export const batchOf = (...kinds: Kind[]): Uint8Array =>
  toBinary(
    wire.EventBatchSchema,
    create(wire.EventBatchSchema, { source: 'test', events: kinds.map((kind) => create(wire.EventSchema, { kind })) }),
  );

export async function newFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'will-telemetry-'));
  return { path, remove: () => rm(path, { recursive: true }) };
}

/** Asks again and again until it is so; a test's own timeout ends it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
