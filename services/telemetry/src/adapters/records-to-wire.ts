import { create } from '@bufbuild/protobuf';
import { type CallRecord, isCostEstimated } from '@will/core';
import { dataClassToWire, priorityToWire, recordPriceToWire, wire } from '@will/contracts';

const maxUint32 = 2 ** 32 - 1;

export function recordToWire(record: CallRecord): wire.CallRecord {
  const message = create(wire.CallRecordSchema, {
    attemptId: record.attemptId,
    taskId: record.taskId,
    decisionId: record.decisionId ?? '',
    attempt: record.attempt,
    revision: BigInt(record.revision),
    client: record.client,
    project: record.project ?? '',
    reflex: record.reflex ?? '',
    taskType: record.taskType,
    model: record.model ?? '',
    modelName: record.modelName ?? '',
    modelVersion: record.modelVersion ?? '',
    provider: record.provider ?? '',
    workerId: record.workerId ?? '',
    dataClass: dataClassToWire(record.dataClass),
    priority: priorityToWire(record.priority),
    startedUnixMs: BigInt(record.startedAtMs),
    // The wire holds 49 days; the deadline of an attempt that nobody ended may lie further off.
    durationMs: Math.min(record.durationMs, maxUint32),
    outcome: record.outcome,
    status: record.status,
    reason: record.reason ?? '',
    finish: record.finish ?? '',
    httpStatus: record.httpStatus ?? 0,
    vendorCode: record.vendorCode ?? '',
    outputChars: record.outputChars,
    streamed: record.streamed,
    writtenBy: record.writtenBy,
    servedVersion: '',
    isCostEstimated: isCostEstimated(record.usage, record.price),
    costTags: [...(record.costTags ?? [])],
    ...recordPriceToWire(record.price),
  });
  if (record.firstContentMs !== undefined) message.firstContentMs = record.firstContentMs;
  if (record.usage) message.usage = create(wire.UsageSchema, record.usage);
  if (record.costNanoUsd !== undefined) message.costNanoUsd = record.costNanoUsd;
  return message;
}
