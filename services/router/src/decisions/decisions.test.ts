import type { AnyDocument, Facts, RankedSet } from '@will/core';
import { factsFor, snapshotOf } from '@will/testkit';
import { expect, test } from 'vitest';
import { areSame, Decisions, keyOf } from './decisions.ts';
import { PolicyError, type DecidedSet } from '../ports.ts';

const facts = (over: Partial<Facts> = {}): Facts => factsFor({ client: 'acme', inputTokens: 100, ...over });
const decided = (over: Partial<RankedSet> = {}): DecidedSet => ({
  setId: 's',
  set: {
    revision: 1,
    facts: facts(),
    dataClass: 'open',
    candidates: [],
    exclusions: [],
    notes: [],
    scheduleEdgeMs: undefined,
    validUntilMs: 1_000,
    decidedAtMs: 0,
    waitMs: 200,
    ...over,
  },
});

const openByDefault: AnyDocument = {
  kind: 'settings',
  body: { name: 'global', slug: 'global', default_data_class: 'open' },
};

const acme: AnyDocument = { kind: 'client', body: { name: 'acme', slug: 'acme' } };

function setUp(answers: (DecidedSet | Error)[], documents: readonly AnyDocument[] = [acme]) {
  const state = { nowMs: 0, revision: 1 };
  const policy = {
    async decide() {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return answer as DecidedSet;
    },
  };
  const snapshots = {
    get current() {
      return snapshotOf([openByDefault, ...documents], state.revision);
    },
  };
  return { state, decisions: new Decisions(policy, snapshots, () => state.nowMs) };
}
const away = new PolicyError('unavailable', 'policy did not answer');

test('a warm task asks policy nothing', async () => {
  const { decisions } = setUp([decided()]);
  await decisions.decide(facts());
  for (let task = 0; task < 100; task += 1) await decisions.decide(facts());
  expect(decisions.asked).toBe(1);
});

test('tasks with equal facts that arrive together ask once', async () => {
  const { decisions } = setUp([decided()]);
  await Promise.all(Array.from({ length: 50 }, () => decisions.decide(facts())));
  expect(decisions.asked).toBe(1);
});

test('a decision is dropped when it expired, and when this router has read a newer revision', async () => {
  const { state, decisions } = setUp([
    decided(),
    decided({ validUntilMs: 9_000 }),
    decided({ revision: 2, validUntilMs: 9_000 }),
  ]);
  await decisions.decide(facts());
  state.nowMs = 1_001;
  await decisions.decide(facts());
  expect(decisions.asked).toBe(2);
  state.revision = 2;
  expect((await decisions.decide(facts())).set.revision).toBe(2);
  expect(decisions.asked).toBe(3);
});

test('an answer on an older revision than the router’s own is not used', async () => {
  const { state, decisions } = setUp([decided(), decided(), decided({ revision: 2 })]);
  state.revision = 2;
  expect((await decisions.decide(facts())).set.revision).toBe(2);
});

test('while policy is away open data may use a decision up to 60 s old, all other data fails closed', async () => {
  for (const [dataClass, mayServe] of [
    ['open', true],
    ['customer', false],
    ['sensitive', false],
  ] as const) {
    const { state, decisions } = setUp([decided({ dataClass }), away]);
    await decisions.decide(facts());
    state.nowMs = 60_000;
    const late = Promise.resolve(decisions.decide(facts()));
    if (mayServe) expect((await late).setId).toBe('s');
    else await expect(late).rejects.toThrow(PolicyError);
    state.nowMs = 60_001;
    await expect(Promise.resolve(decisions.decide(facts()))).rejects.toThrow(PolicyError);
  }
});

test('while policy is away a client with any rule on data fails closed, whatever class its data has', async () => {
  for (const rules of [{ avoid_cloud: true }, { use_compliant_only: true }, { data_residency: 'EU' as const }]) {
    const client: AnyDocument = { kind: 'client', body: { name: 'acme', slug: 'acme', data_rules: rules } };
    const { state, decisions } = setUp([decided(), away], [client]);
    await decisions.decide(facts());
    state.nowMs = 1_001;
    await expect(Promise.resolve(decisions.decide(facts()))).rejects.toThrow(PolicyError);
  }
});

test('a schedule’s edge ends a kept decision, also while policy is away', async () => {
  const { state, decisions } = setUp([decided({ scheduleEdgeMs: 500, validUntilMs: 500 }), away]);
  await decisions.decide(facts());
  state.nowMs = 501;
  await expect(Promise.resolve(decisions.decide(facts()))).rejects.toThrow(PolicyError);
});

test('tasks that differ in one rule of their floor alone share no decision', () => {
  const floor = { dataClass: 'open', avoidCloud: false, compliantOnly: false, standards: [], residencies: [] } as const;
  const floors = [
    undefined,
    floor,
    { ...floor, dataClass: 'customer' },
    { ...floor, avoidCloud: true },
    { ...floor, compliantOnly: true },
    { ...floor, compliantOnly: true, standards: ['HIPAA'] },
    { ...floor, residencies: ['EU'] },
  ] as const;
  expect(new Set(floors.map((one) => keyOf(factsFor({ floor: one })))).size).toBe(floors.length);
});

test('tasks that differ in one of their facts alone share no decision, in a row neither', () => {
  const floor = { dataClass: 'open', avoidCloud: false, compliantOnly: false, standards: [], residencies: [] } as const;
  const others: { readonly [Field in keyof Required<Facts>]: Facts[Field] } = {
    taskType: 'other',
    client: 'other',
    project: 'other',
    reflex: 'other',
    priority: 'high',
    dataClass: 'sensitive',
    model: 'other',
    unavailableModel: 'route',
    input: ['image'],
    output: ['audio'],
    needs: ['vision'],
    inputTokens: 1,
    maxOutputTokens: 1,
    floor,
  };
  const plain = facts({ priority: 'normal' });
  expect(areSame(plain, { ...plain, input: [...plain.input] })).toBe(true);
  for (const [field, value] of Object.entries(others)) {
    const other = { ...plain, [field]: value };
    expect([field, areSame(plain, other), keyOf(plain) === keyOf(other)]).toEqual([field, false, false]);
  }
});
