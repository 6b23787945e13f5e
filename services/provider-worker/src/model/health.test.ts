import { failureOf, type FailureReason } from '@will/core';
import type { ProviderOutcome } from '@will/providers';
import { modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { ModelHealth } from './health.ts';

const local = modelFor({ call_method: 'Local', endpoint: 'http://127.0.0.1:1' });
const withCheck = (call_method: 'API' | 'Local', auto_healthcheck: boolean) =>
  modelFor({ call_method, endpoint: 'https://one.example/v1', local: { auto_healthcheck } });
const cloud = modelFor({ call_method: 'API', endpoint: 'https://one.example/v1' });
const failure = (reason: FailureReason): ProviderOutcome => ({
  ok: false,
  failure: failureOf(reason),
  usage: undefined,
});
const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: false };
const success: ProviderOutcome = { ok: true, finish: 'stop', usage, output: undefined };

test('a local model is checked unless its own calls just succeeded or are under way', () => {
  const health = new ModelHealth();
  expect(health.wantsHealthCheck(local, 0, 0)).toBe(true);
  expect(health.wantsHealthCheck(local, 1, 0)).toBe(false);
  expect(health.learn(success, local, 1_000)).toBe(false);
  expect(health.wantsHealthCheck(local, 0, 4_999)).toBe(false);
  expect(health.wantsHealthCheck(local, 0, 5_000)).toBe(true);
});

test('a failure that may mean that nothing is there has a local model checked immediately', () => {
  for (const reason of ['connection', 'crashed', 'stalled'] as const) {
    const health = new ModelHealth();
    health.learn(success, local, 1_000);
    expect(health.learn(failure(reason), local, 1_001)).toBe(true);
    expect(health.wantsHealthCheck(local, 3, 1_001)).toBe(true);
    health.checked({ healthy: true, detail: '' });
    expect(health.wantsHealthCheck(local, 3, 1_002)).toBe(false);
  }
});

test('a refusal, a limit or a cancelled call says nothing about it', () => {
  for (const reason of ['bad_key', 'rate_limit', 'bad_request', 'content_filter', 'cancelled', 'deadline'] as const) {
    const health = new ModelHealth();
    health.learn(success, local, 1_000);
    expect(health.learn(failure(reason), local, 1_001)).toBe(false);
    expect(health.wantsHealthCheck(local, 0, 1_002)).toBe(false);
  }
});

test('an unhealthy model is checked until it is healthy, also while calls are in flight', () => {
  const health = new ModelHealth();
  health.checked({ healthy: false, detail: 'gone' });
  expect([health.isUnhealthy, health.wantsHealthCheck(local, 2, 0)]).toEqual([true, true]);
  health.checked({ healthy: true, detail: '' });
  expect([health.isUnhealthy, health.wantsHealthCheck(local, 2, 0)]).toEqual([false, false]);
});

const silent = { healthy: false, isSilent: true, detail: 'no answer in time' };

test('a model that was healthy is given up only when three checks in turn got no answer', () => {
  const health = new ModelHealth();
  health.checked({ healthy: true, detail: '' });
  for (const expected of [false, false, true]) {
    health.checked(silent);
    expect([health.isUnhealthy, health.wantsHealthCheck(local, 2, 0)]).toEqual([expected, true]);
  }
});

test.each([
  ['a check', (health: ModelHealth) => health.checked({ healthy: true, detail: '' })],
  ['a call', (health: ModelHealth) => void health.learn(success, local, 1)],
])('%s that is answered ends the count of silent checks', (_what, answer) => {
  const health = new ModelHealth();
  answer(health);
  for (const check of [silent, silent]) health.checked(check);
  answer(health);
  for (const check of [silent, silent]) health.checked(check);
  expect(health.isUnhealthy).toBe(false);
});

test('a model that was never healthy is not called while it is silent', () => {
  const health = new ModelHealth();
  health.checked(silent);
  expect(health.isUnhealthy).toBe(true);
});

test('an answer that says no counts at once', () => {
  const health = new ModelHealth();
  health.checked({ healthy: true, detail: '' });
  health.checked({ healthy: false, detail: 'the endpoint answers with 503' });
  expect(health.isUnhealthy).toBe(true);
});

test('a service is checked only after a failure, and only where its document says so', () => {
  const asked = withCheck('API', true);
  const health = new ModelHealth();
  expect(health.wantsHealthCheck(asked, 0, 0)).toBe(false);
  expect(health.learn(failure('server_error'), asked, 1)).toBe(true);
  expect(health.wantsHealthCheck(asked, 0, 1)).toBe(true);
  const silent = new ModelHealth();
  expect(silent.learn(failure('server_error'), cloud, 1)).toBe(false);
  expect(silent.wantsHealthCheck(cloud, 0, 1)).toBe(false);
});

test('a local model whose document says no is never checked, and stays in', () => {
  const unasked = withCheck('Local', false);
  const health = new ModelHealth();
  health.checked({ healthy: false, detail: 'gone' });
  expect(health.learn(failure('connection'), unasked, 1)).toBe(false);
  expect([health.wantsHealthCheck(unasked, 0, 1), health.isUnhealthy]).toEqual([false, false]);
});
