import { type CallRecord, isCostEstimated } from '@will/core';
import {
  create,
  dataClassToWire,
  emptyCallRecord,
  plainCallToWire,
  priorityToWire,
  recordPriceToWire,
  wire,
} from '@will/contracts';

export const recordToWire = (record: CallRecord): wire.CallRecord => ({
  ...emptyCallRecord,
  ...plainCallToWire(record),
  attemptId: record.attemptId,
  taskId: record.taskId,
  decisionId: record.decisionId ?? '',
  revision: BigInt(record.revision),
  dataClass: dataClassToWire(record.dataClass),
  priority: priorityToWire(record.priority),
  startedUnixMs: BigInt(record.startedAtMs),
  outcome: record.outcome,
  vendorCode: record.vendorCode ?? '',
  ...(record.usage && { usage: create(wire.UsageSchema, record.usage) }),
  costNanoUsd: record.costNanoUsd,
  isCostEstimated: isCostEstimated(record.usage, record.price),
  ...recordPriceToWire(record.price),
  writtenBy: record.writtenBy,
  costTags: [...(record.costTags ?? [])],
});
