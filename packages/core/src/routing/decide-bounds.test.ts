import { expect, test } from 'vitest';
import type { ModelDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import { requirementOf } from '../eligibility/eligibility.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import {
  client,
  facts,
  model,
  openByDefault,
  project,
  reflex,
  route,
  schedule,
  snapshotOf,
} from '../testing/documents.ts';
import { decide, deprecationOf, notConsideredOf } from './decide.ts';
import type { RankedSet } from './decision.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const decided = (world: Snapshot, over: Partial<Facts> = {}): RankedSet => decide(world, facts(over), nowMs);
const order = (world: Snapshot): string[] => decided(world).candidates.map((candidate) => candidate.model);

const many = (count: number, over: Partial<ModelDocument> = {}) =>
  Array.from({ length: count }, (_, n) => model(`m${String(n).padStart(4, '0')}`, over));

test('without a route thirty-two candidates are enough, and what comes after them is not even looked at', () => {
  const set = decided(snapshotOf(openByDefault, ...many(40)));
  expect([set.candidates.length, set.candidates[31]?.model, set.exclusions]).toEqual([32, 'm0031', []]);
  const narrow = snapshotOf(openByDefault, ...many(40, { context_tokens: 9 }).slice(0, 3), ...many(40).slice(3));
  expect(decided(narrow).candidates[0]?.model).toBe('m0003');
  expect(decided(narrow).candidates).toHaveLength(32);
  expect(decided(narrow).exclusions).toHaveLength(3);
  const declared = many(40).map(({ body }) => body.name);
  expect(decided(snapshotOf(openByDefault, ...many(40), route('text_gen', declared))).candidates).toHaveLength(40);
});

test('a thousand exclusions are told one by one, and the number of the others', () => {
  const names = many(1_003).map(({ body }) => body.name);
  const world = snapshotOf(
    openByDefault,
    ...many(1_003, { context_tokens: 9 }),
    model('ok'),
    route('text_gen', [...names, 'ok']),
  );
  const set = decided(world);
  expect(set.exclusions).toHaveLength(1_000);
  expect(set.notes).toEqual(['3 more models may not do it']);
});

test('ten deprecated candidates are told of, and that there are more', () => {
  const notesOf = (count: number): readonly string[] => {
    const old = many(count, { deprecated: '2026-01-02T00:00:00Z' });
    return decided(
      snapshotOf(
        openByDefault,
        ...old,
        route(
          'text_gen',
          old.map(({ body }) => body.name),
        ),
      ),
    ).notes;
  };
  expect(notesOf(10)).toHaveLength(10);
  expect(notesOf(10)[0]).toBe('m0000 is deprecated since 2026-01-02');
  expect(notesOf(11).slice(9)).toEqual(['m0009 is deprecated since 2026-01-02', 'more candidates are deprecated']);
  expect(notesOf(12)).toHaveLength(11);
});

test('a deprecation says since when, until when and what comes after it, as far as that is known', () => {
  const of = (over: Partial<ModelDocument>): string =>
    deprecationOf(snapshotOf(model('m', over), model('next')).models.get('m') as Model);
  const deprecated = '2026-01-02T00:00:00Z';
  expect(of({ deprecated })).toBe('is deprecated since 2026-01-02');
  expect(of({ deprecated, retired: '2026-03-04T00:00:00Z' })).toBe(
    'is deprecated since 2026-01-02 and retires on 2026-03-04',
  );
  expect(of({ deprecated, replaced_by: 'next' })).toBe('is deprecated since 2026-01-02; next replaces it');
});

test('an order that a goal made holds for five seconds, a declared one for a minute', () => {
  const by = (mode: 'auto' | 'shadow' | 'cascade') =>
    decided(snapshotOf(openByDefault, model('m'), route('text_gen', ['m'], { mode })));
  expect(['auto', 'shadow', 'cascade'].map((mode) => by(mode as 'auto').validUntilMs - nowMs)).toEqual([
    5_000, 5_000, 60_000,
  ]);
  expect([by('auto').ranking?.mode, 'ranking' in by('cascade'), 'rejection' in by('auto')]).toEqual([
    'auto',
    false,
    false,
  ]);
});

test('a decision ends at the first of the changes of its models that lies ahead', () => {
  const at = (seconds: number): string => new Date(nowMs + seconds * 1_000).toISOString();
  const endOf = (...models: readonly Partial<ModelDocument>[]): number =>
    decided(
      snapshotOf(
        openByDefault,
        ...models.map((over, n) => model(`m${n}`, over)),
        route(
          'text_gen',
          models.map((_over, n) => `m${n}`),
        ),
      ),
    ).validUntilMs - nowMs;
  const expiring = (...seconds: readonly number[]): Partial<ModelDocument> => ({
    compliance: seconds.map((second) => ({ standard: 'GDPR', expires_at: at(second) })),
  });
  expect(endOf(expiring(20, 10, 30))).toBe(10_000);
  expect(endOf(expiring(-5, 0))).toBe(60_000);
  expect(endOf({ retired: at(20), ...expiring(30) })).toBe(20_000);
  expect(endOf({ retired: at(0) }, expiring(40))).toBe(40_000);
  expect(endOf(expiring(40), { retired: at(15) })).toBe(15_000);
});

test('a pin that may not do the task is noted with who asked for it', () => {
  const world = snapshotOf(
    openByDefault,
    model('ok'),
    model('best', { tier: 'premium' }),
    route('text_gen', ['ok', 'best']),
    client('one', { default_model: 'best' }),
    project('p', { default_model: 'best' }),
    reflex('r', { preferred_model: 'best' }),
  );
  expect(decided(world, { client: 'one' }).notes).toEqual(['best, asked for by the client, may not do it: tier']);
  expect(decided(world, { project: 'p' }).notes).toEqual(['best, asked for by the project, may not do it: tier']);
  expect(decided(world, { reflex: 'r' }).notes).toEqual(['best, asked for by the reflex, may not do it: tier']);
  expect(decided(world, { model: 'best', unavailableModel: 'route' }).notes).toEqual([
    'best, asked for by the task, may not do it: tier',
  ]);
  expect(decided(world).notes).toEqual([]);
});

test('an unknown caller is noted, and so is a preference for premium models only where there are any', () => {
  const world = snapshotOf(openByDefault, model('m'), model('best', { tier: 'premium' }), route('text_gen', ['m']));
  expect(decided(world, { client: 'gone' }).notes).toEqual(['no client has the slug, name or alias "gone"']);
  expect(decided(world, { priority: 'high' }).notes).toEqual([]);
  expect(decided(world, { priority: 'high', model: 'best' }).notes).toEqual([]);
});

test('models that nobody asked for are named with the tag first, and the rest is counted', () => {
  const world = snapshotOf(
    openByDefault,
    model('other', { tags: ['code'] }),
    model('tagged'),
    model('free'),
    model('known'),
  );
  const named = (known: readonly string[], most: number) => {
    const { exclusions, notes } = notConsideredOf(
      world,
      requirementOf(world, facts()),
      facts(),
      nowMs,
      new Set(known),
      most,
    );
    return [exclusions.map(({ model: slug, rule }) => `${slug} ${rule}`), notes];
  };
  expect(named(['known'], 9)).toEqual([['free not_in_route', 'tagged not_in_route', 'other task_type'], []]);
  expect(named(['known', 'gone'], 2)).toEqual([
    ['free not_in_route', 'tagged not_in_route'],
    ['1 more models are not named here'],
  ]);
  expect(named([], 0)).toEqual([[], ['4 more models are not named here']]);
});

test('a rejected task is told nothing of models that nobody asked for, and keeps no notes of its pins', () => {
  const world = snapshotOf(
    openByDefault,
    model('best', { tier: 'premium' }),
    model('aside'),
    model('ok'),
    route('text_gen', ['ok']),
  );
  const set = decided(world, { model: 'best' });
  expect(set.exclusions.map(({ model: slug, rule }) => `${slug} ${rule}`)).toEqual(['best tier', 'ok not_named']);
  expect(set.notes).toEqual([]);
  expect(decided(world, { model: 'aside' }).candidates).toEqual([
    { model: 'aside', why: 'explicit' },
    { model: 'ok', why: 'route:primary' },
  ]);
});

test('a name that no model has is cut to eighty characters, also where the task insists on it', () => {
  expect(decided(snapshotOf(model('m')), { model: 'x'.repeat(100) }).rejection?.model).toBe('x'.repeat(80));
  const { exclusions } = decided(snapshotOf(model('m')), { model: 'x'.repeat(100), unavailableModel: 'route' });
  expect(exclusions[0]?.model).toBe('x'.repeat(80));
});

test('what windows prefer is told, for the tasks that they are meant for', () => {
  const always = { from: '00:00', to: '00:00', prefer: 'local' } as const;
  const notesWith = (over: Parameters<typeof schedule>[0], asked: Partial<Facts> = {}) =>
    decided(snapshotOf(openByDefault, model('m'), route('text_gen', ['m']), schedule({ ...always, ...over })), asked);
  const told = ['schedule off_hours is open: local models first'];
  expect(notesWith({}).notes).toEqual(told);
  expect(notesWith({ prefer: { tags: ['a', 'b'] } }).notes).toEqual([
    'schedule off_hours is open: models with a or b first',
  ]);
  expect(notesWith({ priorities: ['normal'] }).notes).toEqual(told);
  expect(notesWith({ task_types: ['code', 'text_gen', 'text_gen'] }).notes).toEqual(told);
  for (const over of [{ priorities: ['high', 'background'] }, { task_types: ['code'] }] as const)
    expect(notesWith(over)).toMatchObject({ notes: [], scheduleEdgeMs: undefined });
  const shut = notesWith({ from: '13:00', to: '14:00' });
  expect([shut.notes, shut.scheduleEdgeMs]).toEqual([[], nowMs + 3_600_000]);
  const aimless = schedule({ from: '13:00', to: '14:00' });
  expect(
    decided(snapshotOf(openByDefault, model('m'), route('text_gen', ['m']), aimless)).scheduleEdgeMs,
  ).toBeUndefined();
});

test('of two windows the next edge counts, and one for all task types weighs with those for this one by its slug', () => {
  const until = (slug: string, to: string, over: object = {}) =>
    schedule({ name: slug, slug, from: '00:00', to, prefer: 'local', ...over });
  const world = snapshotOf(
    openByDefault,
    model('m'),
    route('text_gen', ['m']),
    until('b', '18:00', { task_types: ['text_gen'] }),
    until('c', '14:00'),
    until('a', '16:00'),
  );
  const set = decided(world);
  expect(set.scheduleEdgeMs).toBe(nowMs + 2 * 3_600_000);
  expect(set.notes.map((note) => note.split(' ')[1])).toEqual(['a', 'b', 'c']);
  expect(decided(world, { taskType: 'code' }).notes.filter((note) => note.startsWith('schedule'))).toHaveLength(2);
});

test('local is what is no API and has a private address', () => {
  const world = snapshotOf(
    openByDefault,
    model('api', { endpoint: 'http://10.0.0.1' }),
    model('public', { call_method: 'container', endpoint: 'https://example.com' }),
    model('home', { call_method: 'container', endpoint: 'http://10.0.0.1' }),
    route('text_gen', ['api', 'public', 'home']),
    schedule({ from: '00:00', to: '00:00', prefer: 'local' }),
  );
  expect(order(world)).toEqual(['home', 'api', 'public']);
});
