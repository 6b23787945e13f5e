import { compileSnapshot, type AnyDocument, type Facts, type Snapshot } from '@will/core';
import { factsFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { Policy, PolicyRefusal } from './service.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const documents: readonly AnyDocument[] = [
  {
    kind: 'model',
    body: {
      name: 'm',
      slug: 'm',
      aliases: [],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai-compatible',
      capabilities: [],
      tier: 'standard',
      security_level: 'safe_for_sensitive',
    },
  },
  { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } },
];
function compiled(): Snapshot {
  const result = compileSnapshot(3, documents);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.snapshot;
}
const facts = (dataClass?: Facts['dataClass']): Facts => factsFor({ client: 'default', dataClass });
const policyAt = (ageMs: number, current: Snapshot | undefined = compiled()): Policy =>
  new Policy({ snapshots: { current, ageMs: () => ageMs }, staleAfterMs: 15_000, nowMs: () => nowMs });
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof PolicyRefusal ? [error.code, error.isRetryable, error.message] : error;
  }
};

test('without documents there is no decision and no explanation', () => {
  const policy = new Policy({ snapshots: { current: undefined, ageMs: () => 0 }, staleAfterMs: 1, nowMs: () => nowMs });
  const refusal = ['no_documents', true, 'the registry has published no documents yet'];
  expect(codeOf(() => policy.decide(facts()))).toEqual(refusal);
  expect(codeOf(() => policy.explain(facts(), undefined))).toEqual(refusal);
});

test('on documents that are not confirmed only what no rule restricts is served', () => {
  expect(policyAt(15_001).decide(facts()).candidates).toHaveLength(1);
  expect(policyAt(15_000).decide(facts('sensitive')).candidates).toHaveLength(1);
  expect(codeOf(() => policyAt(16_000).decide(facts('sensitive')))).toEqual([
    'stale_documents',
    true,
    'the documents were not confirmed for 16 s: until they are, only tasks without any rule on data are served, this is on sensitive data',
  ]);
  expect(codeOf(() => policyAt(Number.POSITIVE_INFINITY).decide(facts('customer')))).toContain(
    'the documents were not confirmed since this service started: until they are, only tasks without any rule on data are served, this is on customer data',
  );
});

test('a decision on data that is not open ends when the documents would be too old for a new one', () => {
  expect(policyAt(5_000).decide(facts('sensitive')).validUntilMs).toBe(nowMs + 10_000);
  expect(policyAt(5_000).decide(facts()).validUntilMs).toBe(nowMs + 60_000);
});

test('an explanation may be of any instant, is given on old documents too, and says that they are old', () => {
  const set = policyAt(16_000).explain(facts('sensitive'), nowMs + 1e9);
  expect(set.validUntilMs).toBe(nowMs + 1e9 + 60_000);
  expect(set.notes).toContain('the documents were not confirmed for 16 s: such a task is refused now');
});
