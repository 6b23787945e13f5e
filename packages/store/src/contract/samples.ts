import type { AnyDocument, AttemptIntent, CallRecord, DecisionRecord, NamedSet } from '@will/core';
import type { NewTask } from '../tasks.ts';

/** Whole values for tests; say only what matters. */
export const callRecord = (stated: Partial<CallRecord> = {}): CallRecord => ({
  attemptId: 'attempt-1',
  taskId: 'task-1',
  decisionId: 'decision-1',
  attempt: 1,
  revision: 7,
  client: 'acmelegal',
  project: 'contracts',
  reflex: 'summarise',
  taskType: 'text_gen',
  model: 'gpt-4',
  modelName: 'GPT-4',
  modelVersion: '2024-08-06',
  provider: 'openai-compatible',
  workerId: 'worker-1',
  dataClass: 'customer-sensitive',
  priority: 'normal',
  startedAtMs: 1_000_000,
  durationMs: 812,
  firstContentMs: 230,
  outcome: 'Success',
  status: 'Success',
  reason: undefined,
  finish: 'stop',
  usage: { inputTokens: 120, outputTokens: 48, cachedInputTokens: 20, reasoningTokens: 5, estimated: false },
  outputChars: 201,
  costNanoUsd: 1_234_567n,
  price: { input: 2_500_000_000, output: 10_000_000_000 },
  streamed: true,
  writtenBy: 'worker',
  ...stated,
});

/** A task that nobody was called for. */
export const blockedRecord = (stated: Partial<CallRecord> = {}): CallRecord => ({
  ...callRecord(),
  attempt: 0,
  decisionId: undefined,
  project: undefined,
  reflex: undefined,
  model: undefined,
  modelName: undefined,
  modelVersion: undefined,
  provider: undefined,
  workerId: undefined,
  dataClass: undefined,
  firstContentMs: undefined,
  outcome: 'Blocked',
  status: 'Policy',
  reason: 'no model may do it',
  finish: undefined,
  usage: undefined,
  outputChars: 0,
  costNanoUsd: undefined,
  price: undefined,
  streamed: false,
  writtenBy: 'router',
  ...stated,
});

export const intent = (attemptId: string, deadlineMs: number): AttemptIntent => ({
  record: blockedRecord({ attemptId, attempt: 1, model: 'gpt-4', costNanoUsd: 12n }),
  deadlineMs,
});

export const decision = (stated: Partial<DecisionRecord> = {}): DecisionRecord => ({
  decisionId: 'decision-1',
  taskId: 'task-1',
  setId: 'set-1',
  revision: 7,
  atMs: 1_000_000,
  order: ['gpt-4', 'llama'],
  skipped: [{ model: 'claude-3', reason: 'no key' }],
  seed: 2n ** 63n + 1n,
  live: [{ model: 'gpt-4', unserved: 'no key', coolingUntilMs: 0 }],
  stateDigest: 'digest',
  setDecidedAtMs: 999_000,
  client: 'acmelegal',
  taskType: 'text_gen',
  ...stated,
});

export const namedSet = (setId = 'set-1'): NamedSet => ({
  setId,
  set: {
    revision: 7,
    facts: {
      taskType: 'text_gen',
      client: 'acmelegal',
      project: 'contracts',
      reflex: 'summarise',
      priority: 'normal',
      dataClass: 'sensitive',
      model: 'gpt-4',
      input: ['text'],
      output: ['text'],
      needs: [],
      inputTokens: 128,
      maxOutputTokens: 0,
    },
    dataClass: 'sensitive',
    candidates: [{ model: 'gpt-4', why: 'route:primary' }],
    exclusions: [{ model: 'gemini', rule: 'avoid_cloud', detail: 'API' }],
    notes: ['unknown client'],
    scheduleEdgeMs: 2_000_000,
    validUntilMs: 1_005_000,
    decidedAtMs: 945_000,
    waitMs: 200,
  },
});

export const routeDocument = (slug: string, ...models: string[]): AnyDocument => ({
  kind: 'route',
  body: { name: slug, slug, steps: models.map((model, index) => ({ step: `step_${index}`, model })) },
});

export const newTask = (stated: Partial<NewTask> = {}): NewTask => ({
  client: 'acmelegal',
  taskId: 'task-1',
  idempotencyKey: 'key-1',
  bodyHash: 'hash-1',
  type: 'text_gen',
  project: 'site',
  priority: 'background',
  createdAtMs: 1_000,
  deadlineMs: 61_000,
  body: Uint8Array.of(1, 2, 3),
  ...stated,
});
