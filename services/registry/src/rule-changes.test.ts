import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { factsFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { MemoryStore } from './memory-store.test-double.ts';
import type { DecidedFacts, TaskNamings } from './ports.ts';
import { Registry, type AppliedChange, type Change } from './service.ts';

const nowMs = Date.UTC(2026, 10, 23);

function setUp() {
  const world = {
    keys: [] as wire.Key[],
    tasks: { naming: [] } as TaskNamings,
    recent: [] as DecidedFacts[] | Error,
  };
  const registry = new Registry({
    store: new MemoryStore(),
    publication: { publish: async () => {} },
    processes: { followers: () => [], silent: () => [], onChange: () => () => {} },
    keys: async () => world.keys,
    tasksNaming: async () => world.tasks,
    lateDecisions: {
      since: async () => {
        if (world.recent instanceof Error) throw world.recent;
        return { recent: world.recent, isPartial: false };
      },
    },
    nowMs: () => nowMs,
    onError: () => {},
  });
  const signed: Change = { author: 'ada', note: '', dryRun: false };
  const apply = (documents: object, over: Partial<Change> = {}): Promise<AppliedChange> =>
    registry.apply({ files: [{ path: 'd.yaml', text: JSON.stringify(documents) }], prune: true, ...signed, ...over });
  const rollback = (to: number, over: Partial<Change> = {}): Promise<AppliedChange> =>
    registry.rollback({ to, ...signed, ...over });
  return { world, registry, apply, rollback };
}

const model = (name: string, more: object = {}) => ({
  name,
  tags: ['code'],
  call_method: 'API',
  endpoint: 'https://example.com',
  ...more,
});
type KeyFields = MessageInitShape<typeof wire.KeySchema>;
const key = (more: KeyFields): wire.Key => create(wire.KeySchema, { id: 'k1', client: 'other', ...more });
const tasks = (kind: string, slug: string, waiting: number, running: number, isPartial = false): TaskNamings => ({
  naming: [{ kind, slug, waiting, running, isPartial }],
});
const problems = (applied: AppliedChange): readonly string[] =>
  applied.problems.map(({ path, message }) => `${path}: ${message}`);

interface Case {
  readonly client?: object;
  readonly project?: object;
  readonly model?: object;
  readonly keys?: readonly KeyFields[];
  readonly tasks?: TaskNamings;
}
const depends: readonly [what: string, on: 'client' | 'project' | 'model', Case, words: string][] = [
  ['keys of a client', 'client', { keys: [{ client: 'acme' }] }, '1 API key (k1)'],
  ['keys of a project', 'project', { keys: [{ projects: ['night'] }] }, '1 API key (k1)'],
  [
    'waiting tasks of a client',
    'client',
    { tasks: tasks('client', 'acme', 2, 0) },
    '2 durable tasks (2 waiting, 0 running)',
  ],
  [
    'running tasks of a client',
    'client',
    { tasks: tasks('client', 'acme', 0, 1) },
    '1 durable task (0 waiting, 1 running)',
  ],
  [
    'tasks of a project',
    'project',
    { tasks: tasks('project', 'night', 1, 0) },
    '1 durable task (1 waiting, 0 running)',
  ],
  [
    'tasks that ask for a model',
    'model',
    { tasks: tasks('model', 'm', 1, 1) },
    '2 durable tasks (1 waiting, 1 running)',
  ],
  ['many tasks', 'client', { tasks: tasks('client', 'acme', 100, 0, true) }, 'at least 100 durable tasks'],
  [
    'more tasks than were looked at',
    'project',
    { tasks: tasks('project', 'night', 0, 0, true) },
    'durable tasks, if any (more wait',
  ],
  [
    'tasks of which nobody knows',
    'client',
    { tasks: { unknown: 'no tasks service runs' } },
    'durable tasks, if any (no tasks service runs)',
  ],
  ['a budget of a client', 'client', { client: { budget: { daily: { usd: 1 } } } }, 'its budget'],
  ['a budget of a project', 'project', { project: { budget: { monthly: { tokens: 1 } } } }, 'its budget'],
  ['a cap of a model', 'model', { model: { limits: { daily: { usd: 1 } } } }, 'its budget'],
  ['rules of a client', 'client', { client: { data_rules: { avoid_cloud: true } } }, 'its rules on data'],
  ['a class of a client', 'client', { client: { data_class: 'open' } }, 'its rules on data'],
  ['rules of a project', 'project', { project: { data_rules: { data_residency: 'EU' } } }, 'its rules on data'],
];

/** All documents of a case, and all but the one that is removed or gets another slug. */
function documentsOf(
  on: string,
  { client = {}, project = {}, model: more = {} }: Case,
  change: 'removal' | 'new slug',
) {
  const all = {
    clients: [{ name: 'Acme', ...client }, { name: 'stays' }],
    projects: [{ name: 'night', ...project }, { name: 'stays' }],
    models: [model('M', more), model('stays')],
  };
  const names = { client: 'Acme', project: 'night', model: 'M' } as Record<string, string>;
  const without = <T extends { name: string }>(list: readonly T[]) =>
    list.flatMap((one) => {
      if (one.name !== names[on]) return [one];
      return change === 'removal' ? [] : [{ ...one, slug: 'other-slug' }];
    });
  const rest = {
    clients: on === 'client' ? without(all.clients) : all.clients,
    projects: on === 'project' ? without(all.projects) : all.projects,
    models: on === 'model' ? without(all.models) : all.models,
  };
  return { all, rest };
}

for (const change of ['removal', 'new slug'] as const)
  test.each(depends)(`${change}: %s need force, and are told`, async (_, on, stated, words) => {
    const { apply, world, registry } = setUp();
    world.keys = (stated.keys ?? []).map(key);
    const { all, rest } = documentsOf(on, stated, change);
    expect(problems(await apply(all))).toEqual([]);
    world.tasks = stated.tasks ?? world.tasks;
    const refused = await apply(rest);
    expect(problems(refused)).toHaveLength(1);
    expect(problems(refused)[0]).toContain(words);
    expect(problems(refused)[0]).toContain(change === 'removal' ? 'it is removed' : 'its new slug other-slug');
    expect(problems(refused)[0]).toContain('--force');
    expect(problems(await apply(rest, { dryRun: true }))).toEqual(problems(refused));
    expect((await registry.reader.documents(undefined, undefined)).revision).toBe(1);
    const forced = await apply(rest, { force: true });
    expect([forced.problems, forced.revision]).toEqual([[], 2]);
    expect(forced.warnings.join()).toContain(words);
  });

test.each(depends)('a rename under the same slug leaves what depends on it: %s', async (_, on, stated) => {
  const { apply, world } = setUp();
  world.keys = (stated.keys ?? []).map(key);
  world.tasks = stated.tasks ?? world.tasks;
  const { all } = documentsOf(on, stated, 'removal');
  const slugs = { Acme: 'acme', night: 'night', M: 'm' } as Record<string, string>;
  const renamed = Object.fromEntries(
    Object.entries(all).map(([list, documents]) => [
      list,
      documents.map((one) => (slugs[one.name] ? { ...one, slug: slugs[one.name], name: `New ${one.name}` } : one)),
    ]),
  );
  await apply(all);
  expect([problems(await apply(renamed)), (await apply(renamed)).revision]).toEqual([[], 2]);
});

test('a client’s projects are what depends on it, also where they go with it; a bare client may go', async () => {
  const { apply } = setUp();
  const stays = { clients: [{ name: 'stays' }] };
  await apply({ clients: [{ name: 'Acme' }, { name: 'stays' }], projects: [{ name: 'night', client: 'Acme' }] });
  expect(problems(await apply(stays)).join()).toContain('1 project (night)');
  expect((await apply(stays, { force: true })).revision).toBe(2);
  await apply({ clients: [{ name: 'bare' }, { name: 'stays' }] });
  expect(problems(await apply(stays))).toEqual([]);
});

test('keys that are revoked or over hold nothing back', async () => {
  const { apply, world } = setUp();
  world.keys = [key({ client: 'acme', revokedUnixMs: 1n }), key({ client: 'acme', expiresUnixMs: BigInt(nowMs) })];
  await apply({ clients: [{ name: 'Acme' }, { name: 'stays' }] });
  expect(problems(await apply({ clients: [{ name: 'stays' }] }))).toEqual([]);
});

test('a rollback that removes or loosens is held to the same', async () => {
  const { apply, rollback } = setUp();
  await apply({ clients: [{ name: 'stays' }] });
  await apply({ clients: [{ name: 'stays' }, { name: 'Acme', data_rules: { avoid_cloud: true } }] });
  await apply({
    settings: { strict_changes: true },
    clients: [{ name: 'stays' }, { name: 'Acme', data_rules: { avoid_cloud: true, data_residency: 'EU' } }],
  });
  expect(problems(await rollback(2)).join('\n')).toMatch(
    /strict_changes is no longer[^]*data_residency EU becomes none/,
  );
  expect(problems(await rollback(1, { allowLoosening: true })).join()).toContain('its rules on data');
  expect((await rollback(1, { allowLoosening: true, force: true })).revision).toBe(4);
});

test('a name of a removed document is taken by force alone, unless it comes back itself', async () => {
  const { apply, rollback } = setUp();
  const stays = { name: 'stays' };
  await apply({ clients: [{ name: 'Acme', data_class: 'customer' }, stays] });
  await apply({ clients: [stays] }, { force: true });
  const takes = (client: object, over: Partial<Change> = {}) => apply({ clients: [client, stays] }, over);
  const taken = 'it takes the name "acme" of client acme ("Acme"), which revision 2 removes';
  expect(problems(await takes({ name: 'Other', slug: 'acme' })).join()).toContain('it takes the name "acme"');
  expect((await takes({ name: 'Other' }, { dryRun: true })).problems).toEqual([]);
  expect((await takes({ name: 'Other', slug: 'acme' }, { force: true, dryRun: true })).warnings.join()).toContain(
    taken.slice(0, 40),
  );
  const back = await takes({ name: 'ACME', data_class: 'customer' }, { dryRun: true });
  expect([back.problems, back.loosenings]).toEqual([[], []]);
  const looser = await takes({ name: 'Acme', data_class: 'open' }, { dryRun: true });
  expect(looser.loosenings).toMatchObject([{ slug: 'acme', field: 'data_class' }]);
  expect((await rollback(1)).problems).toEqual([]);
});

test('a model’s alias takes no removed model’s slug', async () => {
  const { apply } = setUp();
  await apply({ models: [model('Old'), model('stays')] });
  const next = { models: [model('New', { aliases: ['old'] }), model('stays')] };
  expect(problems(await apply(next)).join()).toContain('it takes the name "old" of model old');
  await apply(next, { force: true });
  expect(problems(await apply(next))).toEqual([]);
});

const strictly = { settings: { strict_changes: true } };
const acme = (rules: object) => ({ clients: [{ name: 'Acme', data_rules: rules }] });

test('with strict_changes a loosening fails whole with every rule, unless it is allowed; force does not allow it', async () => {
  const { apply } = setUp();
  await apply({ ...strictly, ...acme({ avoid_cloud: true, use_compliant_only: true }), models: [model('M')] });
  const loose = { ...strictly, ...acme({}), models: [model('M', { security_level: 'safe_for_sensitive' })] };
  const refused = await apply(loose, { force: true });
  expect(problems(refused)).toEqual([
    'model m: security_level: it may see sensitive data, which it might not before; the settings say strict_changes, so this needs --allow-loosening',
    'client acme: avoid_cloud is no longer asked for; the settings say strict_changes, so this needs --allow-loosening',
    'client acme: use_compliant_only is no longer asked for; the settings say strict_changes, so this needs --allow-loosening',
  ]);
  expect(refused.loosenings).toHaveLength(3);
  const allowed = await apply(loose, { allowLoosening: true });
  expect([allowed.problems, allowed.revision, allowed.loosenings.length]).toEqual([[], 2, 3]);
});

test('without strict_changes a loosening is told with the decisions of the last hour that it frees', async () => {
  const { apply, world } = setUp();
  const facts = factsFor({ taskType: 'code', client: 'acme' });
  world.recent = [
    { facts, decisions: 12 },
    { facts: factsFor({ taskType: 'code', client: 'stays' }), decisions: 3 },
  ];
  const open = { settings: { default_data_class: 'open' }, models: [model('M')] };
  const of = (rules: object) => ({ ...open, clients: [{ name: 'Acme', data_rules: rules }, { name: 'stays' }] });
  await apply(of({ avoid_cloud: true }));
  const told = await apply(of({}));
  expect(told.loosenings).toEqual([
    { kind: 'client', slug: 'acme', field: 'avoid_cloud', words: 'avoid_cloud is no longer asked for' },
  ]);
  expect(told.looserDecisions).toEqual([
    {
      facts,
      decisions: 12,
      models: [{ model: 'm', rules: ['avoid_cloud'] }],
      words: 'code for client acme, decided 12 times: may now go to m (left out before by avoid_cloud)',
    },
  ]);
  expect(told.looserNote).toBe('12 of 15 decisions of the last hour (1 of 2 kinds of task) become looser');
  const tighter = await apply(of({ avoid_cloud: true }));
  expect([tighter.loosenings, tighter.looserDecisions, tighter.looserNote]).toEqual([[], [], '']);
  world.recent = new Error('no telemetry runs');
  const blind = await apply(of({}));
  expect([blind.revision, blind.looserNote]).toEqual([
    4,
    'which decisions would change is not known: no telemetry runs',
  ]);
});
