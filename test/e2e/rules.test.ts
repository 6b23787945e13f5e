import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import type { Priority } from '@will/core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Rules on data over the real bus, counted where it matters: at the upstream.

/** The specification's own block, word for word. */
const acmeLegal = `[client:AcmeLegal]
  default_model: Claude 3
  force_tone: formal
  data_rules:
    use_compliant_only: true
    avoid_cloud: true
`;

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const cloud = { callMethod: 'API', endpoint: `${upstream.url}/v1` } as const;
  const local = { callMethod: 'Local', endpoint: `${upstream.url}/v1` } as const;
  system = await startSystem({
    documents: {
      'acme.will': acmeLegal,
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ ...cloud, name: 'GPT-4' }),
        modelDocument({ ...cloud, name: 'Claude 3' }),
        modelDocument({ ...local, name: 'Plain local', compliance: 'none' }),
        modelDocument({ ...local, name: 'Good local' }),
        modelDocument({
          ...local,
          name: 'Outside',
          tags: 'open_only',
          seesCustomerData: 'no',
          securityLevel: 'non_sensitive_only',
        }),
        routeDocument('text_gen', 'GPT-4', 'Claude 3', 'Plain local', 'Good local'),
        routeDocument('open_only', 'Outside'),
      ),
    },
  });
  await system.untilServed('gpt-4', 'claude-3', 'good-local', 'plain-local', 'outside');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});
beforeEach(() => upstream.clear());

const forbidden = ['gpt-4', 'claude-3', 'plain-local'];
const forbiddenCalls = (): number => forbidden.reduce((sum, model) => sum + upstream.countOf(model), 0);

test('AcmeLegal never reaches a cloud or non-compliant model, whatever is asked', async () => {
  const forbidden = ['GPT-4', 'Claude 3', 'claude-3', 'Plain local'];
  const priorities = ['background', 'normal', 'high'] as const;
  const run = (priority: Priority, model?: string, unavailableModel?: 'route'): Promise<string> =>
    system.client
      .run({
        type: 'text_gen',
        client: 'acmelegal',
        input: 'Hello',
        priority,
        ...(model !== undefined && { model }),
        ...(unavailableModel && { unavailableModel }),
      })
      .then(({ model: answered }) => answered)
      .catch((error: { code: string }) => error.code);
  for (const priority of priorities) {
    for (const model of [undefined, 'Good local']) expect(await run(priority, model)).toBe('good-local');
    for (const model of forbidden) expect(await run(priority, model)).toBe('model_not_allowed');
    expect(await run(priority, 'nobody')).toBe('unknown_model');
    // Who asks for the route instead gets what the rules allow.
    for (const model of [...forbidden, 'nobody']) expect(await run(priority, model, 'route')).toBe('good-local');
  }
  expect(upstream.countOf('good-local')).toBe(priorities.length * (2 + forbidden.length + 1));
  expect(forbiddenCalls()).toBe(0);
});

test('when the only allowed model fails, AcmeLegal’s task fails: no fallback leaves the rules', async () => {
  upstream.script('good-local', { kind: 'status', status: 500 });
  const failure = await system.client
    .run({ type: 'text_gen', client: 'acmelegal', input: 'Hello' })
    .catch((error: unknown) => error);
  upstream.script('good-local', { kind: 'answer' });
  expect(failure).toMatchObject({ code: 'all_failed' });
  expect(forbiddenCalls()).toBe(0);
});

test('a task that only forbidden models could do is blocked, with each model and its rule', async () => {
  const failure = await system.client
    .run({ type: 'text_gen', client: 'acmelegal', input: 'Hello', outputModalities: ['image'] })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'blocked' });
  expect(upstream.requests).toHaveLength(0);
});

test('customer and sensitive data reach only models whose tags admit them; without a statement the documents decide', async () => {
  const run = (dataClass?: 'open' | 'customer' | 'sensitive' | 'customer-sensitive'): Promise<string> =>
    system.client
      .run({ type: 'open_only', input: 'Hello', ...(dataClass && { dataClass }) })
      .then(({ model }) => model)
      .catch((error: { code: string }) => error.code);
  expect(await run('open')).toBe('outside');
  expect(await run()).toBe('outside');
  upstream.clear();
  expect([await run('customer'), await run('sensitive'), await run('customer-sensitive')]).toEqual([
    'blocked',
    'blocked',
    'blocked',
  ]);
  expect(upstream.requests).toHaveLength(0);
});
