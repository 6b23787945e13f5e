import { type CallRecord, plainCallFields, type PlainCallField, type PlainKind } from '@will/core';

const samples: Readonly<Record<PlainKind, (field: string, place: number) => unknown>> = {
  text: (field) => `some-${field}`,
  'optional text': (field) => `some-${field}`,
  count: (_, place) => place + 1,
  'optional count': (_, place) => place + 1,
  flag: () => true,
};

/** For tests: a call record in which every field is stated, and no two plain fields but flags are equal. */
export const completeCallRecord = (): CallRecord => ({
  ...(Object.fromEntries(
    Object.entries(plainCallFields).map(([field, kind], place) => [field, samples[kind](field, place)]),
  ) as unknown as Pick<CallRecord, PlainCallField>),
  attemptId: 'attempt-1',
  taskId: 'task-1',
  decisionId: 'decision-1',
  revision: 7,
  dataClass: 'customer-sensitive',
  priority: 'high',
  startedAtMs: 1_000_000,
  outcome: 'Timeout',
  vendorCode: 'rate_limit.exceeded',
  usage: {
    inputTokens: 900,
    outputTokens: 80,
    cachedInputTokens: 20,
    reasoningTokens: 5,
    cacheWriteTokens: 7,
    cacheWrite1hTokens: 3,
    audioInputTokens: 8,
    audioOutputTokens: 9,
    imageInputTokens: 10,
    imageOutputTokens: 11,
    images: 2,
    estimated: true,
  },
  costNanoUsd: 2n ** 53n + 1n,
  price: { input: 1_250_000_000, output: 10_000_000_000, cachedInput: 125_000_000, request: 5 },
  writtenBy: 'worker',
  costTags: ['env=prod', 'team=search'],
});
