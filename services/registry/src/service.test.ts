import { formatProblem } from '@will/contracts';
import { expect, test } from 'vitest';
import { MemoryStore } from './memory-store.test-double.ts';
import type { LiveProcess } from './ports.ts';
import { seedStore, SeedError } from './seed.ts';
import { Registry, type AppliedChange } from './service.ts';

const models =
  'models:\n  - {name: A, tags: [code], call_method: API, endpoint: https://example.com}\n  - {name: B, tags: [code], call_method: API, endpoint: https://example.com}\n';
const modelWith = (name: string, tags: string): string =>
  `kind: model\nname: ${name}\ntags: [${tags}]\ncall_method: API\nendpoint: https://example.com\n`;
const route = '[code]\n  primary: A\n  fallback_1: B\n';

function setUp() {
  const store = new MemoryStore();
  const published: number[] = [];
  const listeners = new Set<() => void>();
  const world = {
    store,
    published,
    failures: 0,
    followers: [] as LiveProcess[],
    silent: [] as LiveProcess[],
    providers: undefined as ReadonlySet<string> | undefined,
    nowMs: 1_000,
    errors: [] as string[],
    changed: () => {
      for (const listener of listeners) listener();
    },
  };
  const registry = new Registry({
    store,
    publication: {
      publish: async (revision) => {
        if (world.failures > 0) {
          world.failures -= 1;
          throw new Error('NATS is not connected');
        }
        published.push(revision);
      },
    },
    processes: {
      followers: () => world.followers,
      silent: () => world.silent,
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    keys: async () => [],
    tasksNaming: async () => ({ naming: [] }),
    providers: () => world.providers,
    lateDecisions: { since: async () => ({ recent: [], isPartial: false }) },
    nowMs: () => world.nowMs,
    onError: (what) => world.errors.push(what),
    timeoutMs: 200,
  });
  const apply = (
    texts: Record<string, string>,
    options: { prune?: boolean; dryRun?: boolean; waitMs?: number } = {},
  ): Promise<AppliedChange> =>
    registry.apply({
      files: Object.entries(texts).map(([path, text]) => ({ path, text })),
      prune: options.prune ?? false,
      dryRun: options.dryRun ?? false,
      author: 'me',
      note: '',
      waitMs: options.waitMs,
    });
  return { store, published, world, registry, apply };
}

const summary = ({ changes }: AppliedChange): string[] =>
  changes.map(({ kind, slug, action }) => `${action} ${kind} ${slug}`);

test('apply creates what is new, updates what differs, and leaves alone what is the same', async () => {
  const { apply, store, published } = setUp();
  const first = await apply({ 'm.yaml': models, 'r.yaml': route });
  expect([first.revision, summary(first)]).toEqual([1, ['created model a', 'created model b', 'created route code']]);
  const second = await apply({ 'm.yaml': models, 'r.yaml': '[code]\n  primary: B\n' });
  expect([second.revision, summary(second)]).toEqual([2, ['updated route code']]);
  const third = await apply({ 'm.yaml': models });
  expect([third.revision, summary(third)]).toEqual([2, []]);
  expect(published).toEqual([1, 2]);
  expect([store.revision, store.isPublished]).toEqual([2, true]);
});

test('one bad document fails it whole', async () => {
  const { apply, store, published } = setUp();
  const applied = await apply({
    'm.yaml': models,
    'bad.yaml': 'kind: client\nname: C\ndata_rules: {avoid_clod: yes}\n',
    'r.yaml': '[code]\n  primary: Q\n',
  });
  expect(applied.problems.map(formatProblem)).toEqual([
    'bad.yaml:3: data_rules.avoid_clod: unknown field "avoid_clod"; nearest: avoid_cloud',
  ]);
  expect([store.revision, published]).toEqual([0, []]);
});

test('a name that no model has fails it whole, with the line that says it', async () => {
  const { apply, store } = setUp();
  const applied = await apply({ 'm.yaml': models, 'r.yaml': '# mine\n[code]\n  primary: A\n  fallback_1: AA\n' });
  expect(applied.problems.map(formatProblem)).toEqual(['r.yaml:4: fallback_1: "AA" is no model; nearest: "A", "B"']);
  expect(store.revision).toBe(0);
});

test('pruning removes the rest, unless that breaks what stays', async () => {
  const { apply } = setUp();
  await apply({ 'm.yaml': models, 'r.yaml': route, 'c.yaml': '[client:C]\n  default_model: A\n' });
  const broken = await apply({ 'r.yaml': route }, { prune: true });
  expect(broken.problems.map(formatProblem)).toEqual([
    'r.yaml:2: primary: "A" is no model; there are no models',
    'r.yaml:3: fallback_1: "B" is no model; there are no models',
  ]);
  const pruned = await apply({ 'm.yaml': models, 'r.yaml': route }, { prune: true });
  expect([pruned.revision, summary(pruned)]).toEqual([2, ['removed client c']]);
  const emptied = await apply({ 'nothing.yaml': '# nothing\n' }, { prune: true });
  expect(emptied.problems[0]?.message).toContain('pruning would remove all');
});

test('a change that breaks a stored document names that document', async () => {
  const { apply } = setUp();
  await apply({ 'm.yaml': models.replace('name: A,', 'name: A, aliases: [x],'), 'r.yaml': '[code]\n  primary: x\n' });
  const applied = await apply({ 'm.yaml': models });
  expect(applied.problems.map(formatProblem)).toEqual([
    'stored route code:1: primary: "x" is no model; nearest: "A", "B"',
  ]);
});

test('a document that stands in two files is a problem', async () => {
  const { apply } = setUp();
  const applied = await apply({ 'm.yaml': models, 'r.yaml': route, 'r2.yaml': '\n[Code]\n  primary: A\n' });
  expect(applied.problems.map(formatProblem)).toEqual(['r2.yaml:2: route code stands in r.yaml:1 already']);
});

test('a dry run says what would change and changes nothing', async () => {
  const { apply, store } = setUp();
  const applied = await apply({ 'm.yaml': models }, { dryRun: true });
  expect([summary(applied), applied.revision, store.revision]).toEqual([['created model a', 'created model b'], 0, 0]);
});

test('warnings name what is allowed but probably not meant', async () => {
  const { apply } = setUp();
  const { warnings } = await apply({ 'm.yaml': models });
  expect(warnings).toContain(
    'model a: compliance is not stated, so no task that asks for it will go there; say none where there is none',
  );
  expect(warnings.at(-1)).toContain('no settings');
});

test('a warning names standards that no rule asks for', async () => {
  const { apply } = setUp();
  const warned = async (fields: string): Promise<readonly string[]> =>
    (await apply({ 'c.yaml': `kind: client\nname: C\ncompliance: [HIPAA]\n${fields}` })).warnings;
  expect(await warned('')).toEqual([
    'client c: compliance is asked for only with data_rules.use_compliant_only: yes, which is not stated',
  ]);
  expect(await warned('data_rules: { use_compliant_only: yes }\n')).toEqual([]);
  const project = 'kind: project\nname: P\ncompliance: [GDPR]\n';
  expect((await apply({ 'p.yaml': project })).warnings).toEqual([
    'project p: compliance is asked for only with data_rules.use_compliant_only: yes, which is not stated',
  ]);
  expect((await apply({ 'p.yaml': `${project}client: C\n` })).warnings).toEqual([]);
});

test('applies that come at once are made one after the other', async () => {
  const { apply, store } = setUp();
  const types = Array.from({ length: 20 }, (_, index) => `type-${index}`);
  await apply({ 'm.yaml': modelWith('A', types.join(', ')) });
  const revisions = await Promise.all(types.map((type) => apply({ 'r.yaml': `[${type}]\n  primary: A\n` })));
  expect(revisions.flatMap(({ lagging }) => lagging)).toEqual([]);
  expect(revisions.map(({ revision }) => revision)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
  expect((await store.current()).documents).toHaveLength(21);
});

test('another writer in between is no failure: the change is checked again', async () => {
  const { apply, store } = setUp();
  await apply({ 'm.yaml': models });
  store.beforeCommit = () => {
    store.beforeCommit = undefined;
    store.revision += 1;
    store.put({ kind: 'client', body: { name: 'Other', slug: 'other' } });
  };
  const applied = await apply({ 'r.yaml': route });
  expect(applied.revision).toBe(3);
  expect((await store.current()).documents.map(({ document }) => document.body.slug)).toContain('other');
});

test('apply waits until the live processes have the revision', async () => {
  const { apply, world } = setUp();
  world.followers = [{ processId: 'w1', service: 'provider-worker', revision: 0 }];
  const applied = apply({ 'm.yaml': models });
  setTimeout(() => {
    world.followers = [{ processId: 'w1', service: 'provider-worker', revision: 1 }];
    world.changed();
  }, 20);
  expect((await applied).lagging).toEqual([]);
});

test('apply names the processes that lag when its timeout ends', async () => {
  const { apply, world } = setUp();
  world.followers = [
    { processId: 'w1', service: 'provider-worker', revision: 0 },
    { processId: 'r1', service: 'router', revision: 1 },
  ];
  const { lagging, laggards } = await apply({ 'm.yaml': models });
  expect(lagging).toEqual([
    'provider-worker w1 works with revision 0 and serves only tasks without rules on data from 1970-01-01T00:00:16.000Z on',
  ]);
  expect(laggards).toEqual([
    { processId: 'w1', service: 'provider-worker', revision: 0, isSilent: false, oldRulesUntilMs: 16_000 },
  ]);
});

test('apply waits for a process that fell silent until its documents are stale, and not for one that confirmed', async () => {
  const { apply, world } = setUp();
  world.silent = [
    { processId: 'w1', service: 'provider-worker', revision: 0 },
    { processId: 'w2', service: 'provider-worker', revision: 1 },
  ];
  expect((await apply({ 'm.yaml': models })).laggards).toMatchObject([{ processId: 'w1', isSilent: true }]);
  const waited = apply({ 'r.yaml': route }, { waitMs: 60_000 });
  await expect.poll(() => world.published).toEqual([1, 2]);
  world.nowMs += 15_000;
  expect((await waited).laggards).toEqual([]);
});

test('apply does not wait where nobody wants it to', async () => {
  const { apply, world } = setUp();
  world.followers = [{ processId: 'w1', service: 'provider-worker', revision: 0 }];
  world.failures = 1_000;
  const { lagging, laggards } = await apply({ 'm.yaml': models }, { waitMs: 0 });
  expect(lagging).toEqual([
    'registry: the bus has not confirmed the publication yet; it is tried again',
    'provider-worker w1 works with revision 0 and goes on until the new revision is published',
  ]);
  expect(laggards).toMatchObject([{ oldRulesUntilMs: undefined }]);
  world.failures = 0;
  await expect.poll(() => world.published).toEqual([1]);
});

test('what the bus did not take is published as soon as it does', async () => {
  const { apply, world, published, store } = setUp();
  world.failures = 1;
  const applied = await apply({ 'm.yaml': models });
  expect(applied.revision).toBe(1);
  expect(applied.lagging).toHaveLength(1);
  await expect.poll(() => published).toEqual([1]);
  await expect.poll(() => store.isPublished).toBe(true);
  expect(world.errors).toHaveLength(1);
});

test('what was committed before a crash and not published is published at the start', async () => {
  const { registry, store, published } = setUp();
  await store.commit({ expectedRevision: 0, upserts: [], removals: [], author: '', note: '', atMs: 0 });
  expect(await store.unpublished()).toBe(1);
  await registry.start();
  expect(published).toEqual([1]);
  expect(await store.unpublished()).toBeUndefined();
});

test('files fill an empty store and no other', async () => {
  const store = new MemoryStore();
  const files = async () => [{ path: 'm.yaml', text: models }];
  expect(await seedStore(store, files, 0)).toBe(2);
  expect(await seedStore(store, files, 0)).toBeUndefined();
  expect(store.revision).toBe(1);
});

test('bad seed documents are all told, a line for each problem', async () => {
  const store = new MemoryStore();
  const files = async () => [
    { path: 'a.yaml', text: 'kind: x\n' },
    { path: 'b.yaml', text: '[code]\n  primry: A\n' },
  ];
  const failure = await seedStore(store, files, 0).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SeedError);
  expect((failure as Error).message.split('\n').map((line) => line.split(': ')[0])).toEqual([
    'a.yaml:1',
    'b.yaml:2',
    'b.yaml:2',
  ]);
  expect(store.revision).toBe(0);
});

test('apply refuses a route whose step names a model without the tag, and says which step', async () => {
  const { apply, store } = setUp();
  const { problems } = await apply({ 'm.yaml': models, 'r.will': '[text_gen]\n  primary: A\n  fallback_1: B\n' });
  expect(problems.map(formatProblem)).toEqual([
    'r.will:2: primary: "A" cannot do text_gen: its tags are code; add text_gen to the tags of model a, or name another model',
    'r.will:3: fallback_1: "B" cannot do text_gen: its tags are code; add text_gen to the tags of model b, or name another model',
  ]);
  expect(store.revision).toBe(0);
});

test('apply refuses to take a tag from a model that a route names', async () => {
  const { apply, store } = setUp();
  await apply({ 'm.yaml': models, 'r.will': route });
  const { problems } = await apply({ 'a.yaml': modelWith('A', 'vision') });
  expect(problems.map(formatProblem)).toEqual([
    'a.yaml:3: tags: route code names it as primary, and its tags vision do not hold code; add code, or change that route',
  ]);
  expect(store.revision).toBe(1);
});

test('what could not work before is a warning of other changes, and an error once it is written again', async () => {
  const { apply, store, registry } = setUp();
  const old = { name: 'text_gen', slug: 'text_gen', steps: [{ step: 'primary', model: 'A' }] };
  await apply({ 'm.yaml': models });
  const upserts = [{ kind: 'route', body: old }] as const;
  await store.commit({ expectedRevision: 1, upserts, removals: [], author: '', note: '', atMs: 0 });
  expect(await registry.reader.unworkable()).toEqual([
    expect.stringMatching(/^route text_gen: primary: "A" cannot do/),
  ]);
  const other = await apply({ 'c.yaml': 'kind: client\nname: acme\n' });
  expect(other.problems).toEqual([]);
  expect(other.warnings).toContainEqual(expect.stringMatching(/^route text_gen: primary: "A" cannot do/));
  const again = await apply({ 'r.will': '[text_gen]\n  primary: A\n  fallback_1: B\n' });
  expect(again.problems).toHaveLength(2);
});

test('apply refuses a provider that no live worker has, where a worker lives', async () => {
  const { apply, world } = setUp();
  const typo = { 'm.yaml': `${modelWith('A', 'code')}provider: openai-compatibel\n` };
  world.providers = new Set(['openai-compatible', 'gguf']);
  expect((await apply(typo)).problems.map(formatProblem)).toEqual([
    'm.yaml:6: provider: no live worker has provider "openai-compatibel"; nearest: openai-compatible',
  ]);
  world.providers = undefined;
  expect((await apply(typo)).problems).toEqual([]);
});

test('documents that can never work do not fill an empty store', async () => {
  const store = new MemoryStore();
  const files = async () => [{ path: 'm.yaml', text: `${models}routes:\n  - {name: text_gen, primary: A}\n` }];
  await expect(seedStore(store, files, 0)).rejects.toThrow(/^m\.yaml:5: primary: "A" cannot do text_gen/);
  expect(store.revision).toBe(0);
});
