import { expect, test } from 'vitest';
import { compileSnapshot } from './compile-snapshot.ts';
import { decide } from '../routing/decide.ts';
import type { ModelDocument } from '../domain/documents.ts';
import { exclusionOf, requirementOf } from '../eligibility/eligibility.ts';
import { retirementNoticeMs, retirementOf, retiresSoon, retiringModels } from './retirement.ts';
import type { Model } from './snapshot.ts';
import { client, facts, model, openByDefault, route, snapshotOf } from '../testing/documents.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const world = (old: Partial<ModelDocument>) =>
  snapshotOf(openByDefault, model('Old', old), model('New'), route('text_gen', ['Old', 'New']));

test('a retired model is left out with its own rule, wherever it is named', () => {
  const snapshot = world({ retired: true, replaced_by: 'New' });
  const wish = { model: 'Old', unavailableModel: 'route' } as const;
  for (const asked of [facts(), facts(wish), facts({ ...wish, priority: 'high' })]) {
    const { candidates, exclusions } = decide(snapshot, asked, nowMs);
    expect(candidates.map(({ model: slug }) => slug)).toEqual(['new']);
    expect(exclusions).toEqual([{ model: 'old', rule: 'retired', detail: 'it is retired, replaced by new' }]);
  }
});

test('a model retires at its instant: the one before it is used, and the decision ends there', () => {
  const snapshot = world({ retired: '2026-11-23T12:00:10Z' });
  const before = decide(snapshot, facts(), nowMs);
  expect(before.candidates[0]?.model).toBe('old');
  expect(before.validUntilMs).toBe(nowMs + 10_000);
  const old = snapshot.models.get('old') as Model;
  const ruleAt = (atMs: number) => exclusionOf(old, requirementOf(snapshot, facts()), facts(), atMs)?.rule;
  expect([ruleAt(nowMs + 9_999), ruleAt(nowMs + 10_000), ruleAt(nowMs + 1e12)]).toEqual([
    undefined,
    'retired',
    'retired',
  ]);
});

test('a retirement that cannot be read has come', () => {
  const { exclusions } = decide(world({ retired: 'some day' }), facts(), nowMs);
  expect(exclusions[0]).toMatchObject({ model: 'old', rule: 'retired' });
});

test('a deprecated model is still used, and the decision says so and what replaces it', () => {
  const over = { deprecated: '2026-11-01T00:00:00Z', retired: '2027-01-01T00:00:00Z', replaced_by: 'new' };
  const { candidates, notes } = decide(world(over), facts(), nowMs);
  expect(candidates.map(({ model: slug }) => slug)).toEqual(['old', 'new']);
  expect(notes).toEqual(['old is deprecated since 2026-11-01 and retires on 2027-01-01; new replaces it']);
  const early = decide(world(over), facts(), Date.UTC(2026, 9, 31));
  expect(early.notes).toEqual([]);
});

test('no other rule is loosened by a date: adding one never adds a model', () => {
  for (const retired of [undefined, true, '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'] as const) {
    const snapshot = snapshotOf(
      client('someone', { data_rules: { avoid_cloud: true } }),
      model('Old', retired === undefined ? {} : { retired }),
      route('text_gen', ['Old']),
    );
    expect(decide(snapshot, facts(), nowMs).candidates).toEqual([]);
  }
});

test('what replaces a model must be a model, and another one', () => {
  const problems = (replaced_by: string) => {
    const compiled = compileSnapshot(1, [model('Old', { replaced_by }), model('New')]);
    return 'problems' in compiled ? compiled.problems : [];
  };
  expect(problems('NEW')).toEqual([]);
  expect(problems('Nwe')).toEqual([
    { kind: 'model', slug: 'old', field: 'replaced_by', message: '"Nwe" is no model; nearest: "New"' },
  ]);
  expect(problems('old')).toEqual([
    { kind: 'model', slug: 'old', field: 'replaced_by', message: '"old" is this model itself; name another one' },
  ]);
});

test('thirty days before a model retires its operators are warned, and no longer once it has', () => {
  expect(retirementNoticeMs).toBe(30 * 86_400_000);
  const isSoon = (inMs: number): boolean => retiresSoon({ retiredAtMs: nowMs + inMs }, nowMs);
  expect([isSoon(0), isSoon(1), isSoon(retirementNoticeMs), isSoon(retirementNoticeMs + 1)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test('models that retire soon are told the next first, and those of one instant by their slug', () => {
  const inDays = (days: number): string => new Date(nowMs + days * 86_400_000).toISOString();
  const snapshot = snapshotOf(
    model('d', { retired: inDays(3) }),
    model('c', { retired: inDays(9) }),
    model('a', { retired: inDays(3), replaced_by: 'b' }),
    model('b', { retired: inDays(40) }),
    model('e', { retired: inDays(-1) }),
    model('f'),
    model('g', { retired: inDays(1) }),
  );
  expect(retiringModels(snapshot, nowMs).map(({ slug }) => slug)).toEqual(['g', 'a', 'd', 'c']);
  const wordsOf = (slug: string): string => retirementOf(snapshot.models.get(slug) as Model);
  expect([wordsOf('a'), wordsOf('d')]).toEqual([
    'retires on 2026-11-26; b replaces it',
    'retires on 2026-11-26; no successor is named',
  ]);
});
