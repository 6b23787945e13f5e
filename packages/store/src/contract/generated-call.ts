import type { CallRecord, Outcome } from '@will/core';
import { callRecord } from './samples.ts';

const [models, clients, typesOfModel] = [35, 20, 2];

/** For tests: 35 models with 2 task types each, 20 clients, 9 of 10 calls successful. Equal numbers give equal calls. */
export function generatedCall(number: number, startedAtMs: number): CallRecord {
  const draw = (salt: number, below: number): number =>
    (Math.imul(number + 1, 2_654_435_761 + salt * 40_503) >>> 8) % below;
  const model = draw(1, models);
  const outcomes: readonly Outcome[] = ['Timeout', 'Blocked'];
  const outcome: Outcome = draw(2, 10) === 0 ? (outcomes[draw(3, 2)] as Outcome) : 'Success';
  return callRecord({
    attemptId: `attempt-${number}`,
    taskId: `task-${number}`,
    decisionId: `decision-${number}`,
    model: `model-${model}`,
    taskType: `type-${(model + draw(4, typesOfModel)) % 7}`,
    client: `client-${draw(5, clients)}`,
    outcome,
    startedAtMs,
    durationMs: 50 + draw(6, 20_000),
    costNanoUsd: draw(7, 50) === 0 ? undefined : BigInt(draw(8, 5_000_000)),
  });
}
