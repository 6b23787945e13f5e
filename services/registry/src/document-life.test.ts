import { formatProblem } from '@will/contracts';
import type { Facts } from '@will/core';
import { factsFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { diffDocuments } from './diff.ts';
import { MemoryStore } from './memory-store.test-double.ts';
import type { DecidedFacts } from './ports.ts';
import { Registry, type AppliedChange, type Change } from './service.ts';

const model = (name: string, more = ''): string =>
  `  - {name: ${name}, tags: [code], call_method: API, endpoint: https://example.com${more}}\n`;
const documents = (...models: string[]): string => `models:\n${models.join('')}settings: {default_data_class: open}\n`;
const all =
  ', compliance: none, security_level: non_sensitive_only, data_residency: EU, allowed_tasks: {can_this_model_see_customer_data: no}';
const route = (...models: string[]): string =>
  `routes:\n  - name: code\n    steps: [${models.map((name, n) => `{step: s${n}, model: ${name}}`).join(', ')}]\n`;
const nowMs = Date.UTC(2026, 10, 23);

function setUp() {
  const store = new MemoryStore();
  const world = { recent: [] as DecidedFacts[], isPartial: false, failure: undefined as Error | undefined, since: 0 };
  const registry = new Registry({
    store,
    publication: { publish: async () => {} },
    processes: { followers: () => [], silent: () => [], onChange: () => () => {} },
    keys: async () => [],
    tasksNaming: async () => ({ naming: [] }),
    lateDecisions: {
      since: async (atMs) => {
        world.since = atMs;
        if (world.failure) throw world.failure;
        return { recent: world.recent, isPartial: world.isPartial };
      },
    },
    nowMs: () => nowMs,
    onError: () => {},
    timeoutMs: 200,
  });
  const signed: Change = { author: 'ada', note: '', dryRun: false };
  const apply = (text: string, over: Partial<Change & { prune: boolean }> = {}): Promise<AppliedChange> =>
    registry.apply({ files: [{ path: 'd.yaml', text }], prune: false, ...signed, ...over });
  const rollback = (to: number, over: Partial<Change> = {}): Promise<AppliedChange> =>
    registry.rollback({ to, ...signed, ...over });
  return { store, world, registry, apply, rollback };
}

const summary = ({ changes }: AppliedChange): string[] =>
  changes.map(({ kind, slug, action }) => `${action} ${kind} ${slug}`);
const bodies = async (store: MemoryStore, revision: number) =>
  (await store.at(revision)).map(({ document }) => document).sort((a, b) => (a.body.slug < b.body.slug ? -1 : 1));

const facts = (over: Partial<Facts> = {}): Facts => factsFor({ taskType: 'code', ...over });

test('the history of a document tells every version, what it changed, and its removal', async () => {
  const { apply, registry } = setUp();
  await apply(documents(model('A'), model('B')), { note: 'first' });
  await apply(documents(model('B', ', tier: premium, limits: {rpm: 5}')), { author: 'bob' });
  await apply(documents(model('A')), { prune: true });
  const history = await registry.reader.history('model', 'b');
  expect(history.map(({ revision, author, note, action, fields }) => [revision, author, note, action, fields])).toEqual(
    [
      [3, 'ada', '', 'removed', []],
      [2, 'bob', '', 'updated', ['limits.rpm', 'tier']],
      [1, 'ada', 'first', 'created', []],
    ],
  );
  expect(await registry.reader.history('model', 'nobody')).toEqual([]);
  expect((await registry.reader.revisions(2, undefined)).map(({ revision, changes }) => [revision, changes])).toEqual([
    [3, 1],
    [2, 1],
  ]);
});

test('a difference is told field by field, by kind, slug and field', async () => {
  const { apply, registry } = setUp();
  await apply(documents(model('A'), model('B')) + route('A', 'B'));
  await apply(documents(model('B', ', style: {strengths: [fast, cheap]}'), model('C')) + route('B'), { prune: true });
  const { from, to, changes } = await registry.reader.diff({ document: undefined, from: 1, to: undefined });
  expect([from, to]).toEqual([1, 2]);
  const lines = changes.map(({ kind, slug, action, field, before, after }) => [
    `${kind} ${slug} ${action}`,
    field,
    before,
    after,
  ]);
  expect(lines).toContainEqual(['model a removed', 'name', '"A"', undefined]);
  expect(lines).toContainEqual(['model b updated', 'style.strengths', undefined, '["fast","cheap"]']);
  expect(lines).toContainEqual(['model c created', 'name', undefined, '"C"']);
  expect(lines.slice(-3)).toEqual([
    ['route code updated', 'steps[0].model', '"A"', '"B"'],
    ['route code updated', 'steps[1].model', '"B"', undefined],
    ['route code updated', 'steps[1].step', '"s1"', undefined],
  ]);
  expect(await registry.reader.diff({ document: undefined, from: 1, to: 2 })).toEqual({ from, to, changes });
  const back = await registry.reader.diff({ document: undefined, from: 2, to: 1 });
  expect(back.changes).toHaveLength(changes.length);
});

test('of one document the last change is told, also when others changed since', async () => {
  const { apply, registry } = setUp();
  await apply(documents(model('A'), model('B')));
  await apply(documents(model('A', ', tier: premium')));
  await apply(documents(model('B', ', tier: premium')));
  const document = { kind: 'model', slug: 'a' } as const;
  const last = await registry.reader.diff({ document, from: undefined, to: undefined });
  expect(last).toMatchObject({ from: 1, to: 3, changes: [{ slug: 'a', field: 'tier', after: '"premium"' }] });
  expect(last.changes).toHaveLength(1);
  expect(await registry.reader.diff({ document, from: undefined, to: 1 })).toMatchObject({ from: 0, to: 1 });
  await expect(registry.reader.diff({ document, from: 9, to: undefined })).rejects.toMatchObject({ code: 'not_found' });
  await expect(
    registry.reader.diff({ document: { kind: 'model', slug: 'z' }, from: undefined, to: undefined }),
  ).rejects.toMatchObject({ code: 'not_found' });
});

test('fields of long lists stand in the order of the list', () => {
  const steps = (model: string) => Array.from({ length: 12 }, (_, n) => ({ step: `s${n}`, model }));
  const written = (model: string) =>
    ({ kind: 'route', body: { name: 'code', slug: 'code', steps: steps(model) } }) as const;
  expect(diffDocuments([written('a')], [written('b')]).map(({ field }) => field)).toEqual(
    steps('').map((_, n) => `steps[${n}].model`),
  );
});

test('a rollback is a new revision whose documents equal the old one’s', async () => {
  const { apply, rollback, store } = setUp();
  await apply(documents(model('A'), model('B')) + route('A', 'B'));
  await apply(documents(model('B', ', tier: premium'), model('C')) + route('B'), { prune: true });
  const back = await rollback(1);
  expect(back.problems).toEqual([]);
  expect([back.revision, summary(back).sort()]).toEqual([
    3,
    ['created model a', 'removed model c', 'updated model b', 'updated route code'],
  ]);
  expect(await bodies(store, 3)).toEqual(await bodies(store, 1));
  expect((await store.revisions(1))[0]).toMatchObject({ note: 'rollback to revision 1', author: 'ada' });
  const again = await rollback(1, { note: 'once more' });
  expect([again.revision, again.changes]).toEqual([3, []]);
});

test('a rollback that cannot be is told, and changes nothing', async () => {
  const { apply, rollback, store } = setUp();
  await apply(documents(model('A')));
  expect((await rollback(2)).problems).toMatchObject([{ path: 'revision 2', message: 'it must be between 1 and 1' }]);
  expect((await rollback(0)).problems).toHaveLength(1);
  // An older release took what this one refuses, and what no longer fits together.
  store.revision = 2;
  const bad = { kind: 'route', body: { name: 'x', slug: 'x', steps: [{ step: 'primary', model: 'Nobody' }] } } as const;
  await store.commit({ expectedRevision: 2, upserts: [bad], removals: [], author: '', note: '', atMs: 0 });
  const problems = (await rollback(3)).problems;
  expect(problems.map(({ path, field }) => [path, field])).toEqual([['revision 3 route x', 'primary']]);
  expect(store.revision).toBe(3);
});

test('a dry run of a rollback says what would change and changes nothing', async () => {
  const { apply, rollback, store } = setUp();
  await apply(documents(model('A')));
  await apply(documents(model('B')));
  const dry = await rollback(1, { dryRun: true });
  expect([dry.revision, summary(dry), store.revision]).toEqual([2, ['removed model b'], 2]);
});

test('a dry run says which decisions of the last hour would change, most often decided first', async () => {
  const { apply, world, store } = setUp();
  await apply(
    `${documents(model('A', all), model('B', all))}${route('A', 'B')}clients: [{ name: rare }, { name: often }]\n`,
  );
  world.recent = [
    { facts: facts({ client: 'rare' }), decisions: 1 },
    { facts: facts({ client: 'often', priority: 'high' }), decisions: 12 },
    { facts: facts({ taskType: 'nothing' }), decisions: 7 },
  ];
  const dry = await apply(documents(model('A', `${all}, retired: yes`)), { dryRun: true });
  expect(world.since).toBe(nowMs - 3_600_000);
  expect(store.revision).toBe(1);
  expect(dry.decisionChanges.map(({ before, after, words }) => [before, after, words])).toEqual([
    [['a', 'b'], ['b'], 'code for client often, high priority, decided 12 times: a, b → b (a drops out: retired)'],
    [['a', 'b'], ['b'], 'code for client rare, decided once: a, b → b (a drops out: retired)'],
  ]);
  expect(dry.decisionsNote).toBe('13 of 20 decisions of the last hour (2 of 3 kinds of task) would change');
  const turned = await apply(documents().replace('models:\n', '') + route('B', 'A'), { dryRun: true });
  expect(turned.decisionChanges[0]?.words).toContain('a, b → b, a (another order)');
  const same = await apply(documents(model('A', `${all}, version: 2b`)), { dryRun: true });
  expect(same.decisionChanges).toEqual([]);
  expect(same.decisionsNote).toBe('0 of 20 decisions of the last hour (0 of 3 kinds of task) would change');
});

test('what a dry run tells is bounded, and it says so', async () => {
  const { apply, world } = setUp();
  const clients = Array.from({ length: 80 }, (_, n) => `{ name: c${n} }`);
  await apply(`${documents(model('A', all))}clients: [${clients.join(', ')}]\n`);
  world.recent = Array.from({ length: 80 }, (_, n) => ({ facts: facts({ client: `c${n}` }), decisions: 2 }));
  world.isPartial = true;
  const dry = await apply(documents(model('A', `${all}, retired: yes`)), { dryRun: true });
  expect(dry.decisionChanges).toHaveLength(50);
  expect(dry.decisionsNote).toBe(
    '160 of the newest 160 decisions of the last hour (80 of 80 kinds of task) would change; the 50 decided most often are listed',
  );
});

test('a dry run without telemetry still says what would change', async () => {
  const { apply, world } = setUp();
  world.failure = new Error('no telemetry runs');
  const dry = await apply(documents(model('A', all)), { dryRun: true });
  expect(summary(dry)).toContain('created model a');
  expect(dry.decisionsNote).toBe('which decisions would change is not known: no telemetry runs');
});

test('apply warns of a deprecated or retired model, and of every document that names it', async () => {
  const { apply } = setUp();
  const old = `${all}, deprecated: 2026-11-01, retired: 2027-01-01, replaced_by: B`;
  const first = await apply(`${documents(model('A', old), model('B', all))}${route('A', 'B')}`);
  expect(first.warnings).toEqual([
    'model a: it is deprecated since 2026-11-01 and retires on 2027-01-01; b replaces it',
    'route code: a, which it names, is deprecated since 2026-11-01 and retires on 2027-01-01; b replaces it',
  ]);
  const soon = await apply(documents(model('A', `${all}, retires_at: 2026-12-20`)));
  expect(soon.warnings).toEqual([
    'model a: it retires on 2026-12-20; no successor is named',
    'route code: a, which it names, retires on 2026-12-20; no successor is named',
  ]);
  expect((await apply(documents(model('A', `${all}, retires_at: 2026-12-24`)))).warnings).toEqual([]);
  const gone = await apply(documents(model('A', `${all}, retired: 2026-11-23, replaced_by: B`)));
  expect(gone.warnings).toEqual([
    'model a: it is retired since 2026-11-23, so no task goes there; b replaces it',
    'route code: a, which it names, is retired since 2026-11-23, so no task goes there; b replaces it',
  ]);
  const later = await apply('[client:C]\n  default_model: A\n');
  expect(later.warnings).toEqual([
    'client c: a, which it names, is retired since 2026-11-23, so no task goes there; b replaces it',
  ]);
  expect((await apply('[client:D]\n  default_model: B\n')).warnings).toEqual([]);
  const misnamed = await apply(documents(model('A', ', replaced_by: Bee')));
  expect(misnamed.problems.map(formatProblem)).toEqual(['d.yaml:2: replaced_by: "Bee" is no model; nearest: "B"']);
});
