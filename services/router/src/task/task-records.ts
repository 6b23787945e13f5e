import { outcomeOf, type CallStatus } from '@will/core';
import { dataClassToWire, emptyCallRecord, newId, priorityToWire, type wire } from '@will/contracts';
import type { Attempt } from './attempt.ts';
import type { AcceptedTask } from './intake.ts';
import type { DecidedSet, RouterRecords } from '../ports.ts';

/**
 * Records of one task: its intents before the calls, what became of calls whose end nobody saw, and one record without
 * a model where no call was made. The records of ends that were seen are the workers'.
 */
export class TaskRecords {
  readonly #records: RouterRecords;
  readonly #task: AcceptedTask;
  readonly #nowMs: () => number;
  readonly #startedAtMs: number;
  #decisionId = '';
  #decided: DecidedSet | undefined;
  /** Some worker accepted a call, so that a record exists or will. */
  #hasRecord = false;

  constructor(records: RouterRecords, task: AcceptedTask, nowMs: () => number) {
    this.#records = records;
    this.#task = task;
    this.#nowMs = nowMs;
    this.#startedAtMs = nowMs();
  }

  /** The decision that the following calls are made on. */
  decided(decisionId: string, decided: DecidedSet): void {
    this.#decisionId = decisionId;
    this.#decided = decided;
  }

  intent(attempt: Attempt): void {
    this.#hasRecord = true;
    this.#records.intent(this.#record(attempt), this.#task.deadlineUnixMs);
  }

  /** What became of a call whose end nobody saw; the worker's own record takes its place if it comes after all. */
  lost(attempt: Attempt, { reason, durationMs }: wire.AttemptSummary): void {
    this.#records.call({ ...this.#record(attempt), ...ending('Unknown', reason), durationMs });
  }

  /** A task that ended before any call leaves one record with no model. */
  noCall(status: CallStatus, reason: string): void {
    if (this.#hasRecord) return;
    this.#hasRecord = true;
    const durationMs = Math.max(0, Math.round(this.#nowMs() - this.#startedAtMs));
    this.#records.call({ ...this.#record(undefined), ...ending(status, reason), durationMs });
  }

  #record(attempt: Attempt | undefined): wire.CallRecord {
    const { facts, taskId, stream, costTags } = this.#task;
    return {
      ...emptyCallRecord,
      attemptId: attempt?.id ?? newId(),
      taskId,
      decisionId: this.#decisionId,
      attempt: attempt?.number ?? 0,
      revision: BigInt(this.#decided?.set.revision ?? 0),
      client: facts.client,
      project: facts.project ?? '',
      reflex: facts.reflex ?? '',
      taskType: facts.taskType,
      model: attempt?.model ?? '',
      workerId: attempt?.worker.id ?? '',
      dataClass: dataClassToWire(this.#decided?.set.dataClass),
      priority: priorityToWire(facts.priority),
      startedUnixMs: BigInt(Math.round(attempt?.startedAtMs ?? this.#startedAtMs)),
      usage: attempt?.reserve.usage,
      costNanoUsd: attempt?.reserve.costNanoUsd,
      streamed: stream,
      writtenBy: 'router',
      costTags: [...costTags],
    };
  }
}

const ending = (status: CallStatus, reason: string): { outcome: string; status: string; reason: string } => ({
  outcome: outcomeOf(status),
  status,
  reason,
});
