import { expect, test } from 'vitest';
import { type CallRecord, recordWriters, replaces, snakeCase, unknownOutcome, writerRank } from './call-record.ts';
import { priorityConflict, priorityStated } from './facts.ts';
import { callStatuses, outcomeOf } from './outcome.ts';

const usage = { inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0, estimated: true };
const record: CallRecord = {
  attemptId: 'a',
  taskId: 't',
  decisionId: 'd',
  attempt: 1,
  revision: 1,
  client: 'acme',
  project: undefined,
  reflex: undefined,
  taskType: 'text_gen',
  model: 'm',
  modelName: 'M',
  modelVersion: undefined,
  provider: 'openai',
  workerId: 'w',
  dataClass: 'open',
  priority: 'normal',
  startedAtMs: 1_000,
  durationMs: 0,
  firstContentMs: undefined,
  outcome: 'Success',
  status: 'Success',
  reason: undefined,
  finish: undefined,
  usage,
  outputChars: 0,
  costNanoUsd: undefined,
  price: { input: 5, output: 7 },
  streamed: true,
  writtenBy: 'worker',
};

test('who knows an attempt better replaces the record of who knows less, and nobody their own', () => {
  expect(recordWriters.map(writerRank)).toEqual([3, 2, 1]);
  const by = (writtenBy: CallRecord['writtenBy']): CallRecord => ({ ...record, writtenBy });
  expect(replaces(by('worker'), by('router'))).toBe(true);
  expect(replaces(by('router'), by('worker'))).toBe(false);
  expect(replaces(by('router'), by('router'))).toBe(false);
});

test('an attempt whose end nobody saw lasted to its deadline and is charged at its reserve', () => {
  expect(unknownOutcome({ record, deadlineMs: 5_000 })).toEqual({
    ...record,
    durationMs: 4_000,
    outcome: 'Timeout',
    status: 'Unknown',
    reason: 'no record of its end came by its deadline',
    costNanoUsd: 5n,
    writtenBy: 'telemetry',
  });
  expect(unknownOutcome({ record: { ...record, costNanoUsd: 9n }, deadlineMs: 0 })).toMatchObject({
    durationMs: 0,
    costNanoUsd: 9n,
  });
  expect(unknownOutcome({ record: { ...record, usage: undefined }, deadlineMs: 0 }).costNanoUsd).toBeUndefined();
});

test('a field has its name in columns with low lines', () => {
  expect(['firstContentMs', 'client', 'costNanoUsd'].map(snakeCase)).toEqual([
    'first_content_ms',
    'client',
    'cost_nano_usd',
  ]);
});

test('a priority may be said in two ways that agree', () => {
  expect(priorityStated(undefined, undefined)).toBeUndefined();
  expect(priorityStated('normal', undefined)).toBe('normal');
  expect([priorityStated(undefined, true), priorityStated(undefined, false)]).toEqual(['high', undefined]);
  expect([priorityStated('high', true), priorityStated('normal', false)]).toEqual(['high', 'normal']);
  expect([priorityStated('high', false), priorityStated('normal', true)]).toEqual(['conflict', 'conflict']);
  expect(priorityConflict('normal', true)).toBe(
    'priority normal and high_priority true contradict each other; send one of the two',
  );
});

test('every status is one of three outcomes', () => {
  const of = (outcome: string): readonly string[] => callStatuses.filter((status) => outcomeOf(status) === outcome);
  expect(of('Success')).toEqual(['Success']);
  expect(of('Timeout')).toEqual(['Deadline', 'Stalled', 'Truncated', 'WorkerLost', 'Unknown']);
  expect(of('Blocked')).toHaveLength(callStatuses.length - 6);
});
