import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { RankedSet } from './decision.ts';
import type { ModelDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import {
  client,
  facts,
  model,
  onDevice,
  openByDefault,
  project,
  reflex,
  route,
  schedule,
  snapshotOf,
} from '../testing/documents.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const decided = (world: Snapshot, over: Partial<Facts> = {}, atMs = nowMs): RankedSet =>
  decide(world, facts(over), atMs);
const order = (world: Snapshot, over: Partial<Facts> = {}, atMs = nowMs): string[] =>
  decided(world, over, atMs).candidates.map((candidate) => candidate.model);
const ruleOn = (set: RankedSet, slug: string): string | undefined =>
  set.exclusions.find((one) => one.model === slug)?.rule;

const compliant: Partial<ModelDocument> = { compliance: [{ standard: 'GDPR' }], data_residency: 'EU' };
const cost = (input: number, output = input): Partial<ModelDocument> => ({
  benchmark: { cost_per_1k_tokens_usd: { input, output } },
});

/** The blocks of the specification, and models for the names in them. */
const specification = [
  openByDefault,
  model('GPT-4', { tier: 'premium' }),
  model('Claude 3', compliant),
  model('GPT-3.5'),
  model('LLaMA', { ...onDevice, ...compliant, aliases: ['local:LLaMA'] }),
  model('CodeLLaMA', { ...onDevice, aliases: ['local:CodeLLaMA'] }),
  route('text_gen', ['GPT-4', 'Claude 3', 'GPT-3.5', 'local:LLaMA']),
  route('code', ['Claude 3', 'GPT-4', 'local:CodeLLaMA']),
  client('AcmeLegal', {
    default_model: 'Claude 3',
    force_tone: 'formal',
    data_rules: { use_compliant_only: true, avoid_cloud: true },
  }),
  reflex('auto_debug_logs', { preferred_model: 'GPT-4', fallback: ['GPT-3.5'] }),
];
const example = snapshotOf(...specification);

test('the cascades of text_gen and code stand in their declared order, premium models first where priority is high', () => {
  expect(decided(example, { priority: 'high' }).candidates).toEqual([
    { model: 'gpt-4', why: 'route:primary' },
    { model: 'claude-3', why: 'route:fallback_1' },
    { model: 'gpt-3-5', why: 'route:fallback_2' },
    { model: 'llama', why: 'route:fallback_3' },
  ]);
  expect(order(example, { taskType: 'code', priority: 'high' })).toEqual(['gpt-4', 'claude-3', 'codellama']);
  expect(order(example, { taskType: 'code' })).toEqual(['claude-3', 'codellama']);
});

test('AcmeLegal gets only compliant models off the cloud, whatever it asks for', () => {
  for (const asked of [undefined, 'GPT-4', 'claude 3', 'gpt-3.5']) {
    const set = decided(example, {
      client: 'acmelegal',
      priority: 'high',
      model: asked,
      unavailableModel: 'route',
    });
    expect(set.candidates.map((candidate) => candidate.model)).toEqual(['llama']);
    expect(set.exclusions.map((one) => one.model).sort()).toEqual(['claude-3', 'gpt-3-5', 'gpt-4']);
  }
  const set = decided(example, { client: 'acmelegal' });
  expect(ruleOn(set, 'claude-3')).toBe('avoid_cloud');
  expect(set.notes).toContain('claude-3, asked for by the client, may not do it: avoid_cloud');
});

test('a task of AcmeLegal that no model may do is blocked, and every model stands there with the rule that dropped it', () => {
  const set = decided(example, { client: 'acmelegal', taskType: 'code' });
  expect(set.candidates).toEqual([]);
  expect(Object.fromEntries(set.exclusions.map(({ model: slug, rule }) => [slug, rule]))).toEqual({
    'claude-3': 'avoid_cloud',
    'gpt-4': 'avoid_cloud',
    'gpt-3-5': 'avoid_cloud',
    codellama: 'use_compliant_only',
    llama: 'not_in_route',
  });
});

test('auto_debug_logs prefers GPT-4, then GPT-3.5, then the route goes on', () => {
  expect(order(example, { reflex: 'auto_debug_logs', priority: 'high' })).toEqual([
    'gpt-4',
    'gpt-3-5',
    'claude-3',
    'llama',
  ]);
  expect(order(example, { reflex: 'auto_debug_logs' })).toEqual(['gpt-3-5', 'claude-3', 'llama']);
});

test('a premium model is used only with high priority, or where the route says so and nothing else is left', () => {
  expect(order(example)).toEqual(['claude-3', 'gpt-3-5', 'llama']);
  expect(ruleOn(decided(example), 'gpt-4')).toBe('tier');
  const premium = model('best', { tier: 'premium' });
  const willing = snapshotOf(
    openByDefault,
    premium,
    model('plain', { context_tokens: 1_024 }),
    route('text_gen', ['best', 'plain'], { premium_if_empty: true }),
  );
  expect(order(willing)).toEqual(['plain']);
  expect(ruleOn(decided(willing), 'best')).toBe('tier');
  expect(order(willing, { inputTokens: 2_048 })).toEqual(['best']);
  expect(order(willing, { priority: 'high' })).toEqual(['best', 'plain']);
});

test('after 21:00 a background task goes to local models first, and the decision ends at the edge of the window', () => {
  const night = schedule({ time_zone: 'Europe/Berlin', prefer: 'local', priorities: ['background'] });
  const world = snapshotOf(...specification, night);
  const eveningMs = Date.UTC(2026, 10, 23, 20, 30); // 21:30 in Berlin
  expect(order(world, { priority: 'background' }, eveningMs)).toEqual(['llama', 'claude-3', 'gpt-3-5']);
  expect(order(world, { priority: 'normal' }, eveningMs)).toEqual(['claude-3', 'gpt-3-5', 'llama']);
  const edgeMs = Date.UTC(2026, 10, 23, 20);
  const before = decided(world, { priority: 'background' }, edgeMs - 1_000);
  expect(before.candidates[0]?.model).toBe('claude-3');
  expect([before.scheduleEdgeMs, before.validUntilMs]).toEqual([edgeMs, edgeMs]);
  expect(order(world, { priority: 'background' }, edgeMs)[0]).toBe('llama');
});

test('a window is read in the zone of the client', () => {
  const night = schedule({ prefer: 'local', time_zone: 'UTC' });
  const world = snapshotOf(...specification, night, client('Tokio', { time_zone: 'Asia/Tokyo' }));
  expect(order(world)[0]).toBe('claude-3');
  expect(order(world, { client: 'tokio' })[0]).toBe('llama'); // 12:00 UTC is 21:00 in Tokyo
});

test('a window may prefer the cheapest, where an unknown price is no low price, or models with a tag', () => {
  const models = [
    model('unknown'),
    model('dear', cost(1)),
    model('cheap', { ...cost(0.01), capabilities: ['tools'] }),
    model('free', { ...cost(0), style: { strengths: ['poems'] } }),
  ];
  const world = (prefer: 'cheapest' | { tags: string[] }) =>
    snapshotOf(
      openByDefault,
      ...models,
      route('text_gen', ['unknown', 'dear', 'cheap', 'free']),
      schedule({ from: '00:00', to: '24:00', prefer }),
    );
  expect(order(world('cheapest'))).toEqual(['free', 'cheap', 'dear', 'unknown']);
  expect(order(world({ tags: ['tools'] }))).toEqual(['cheap', 'unknown', 'dear', 'free']);
  expect(order(world({ tags: ['poems', 'tools'] }))).toEqual(['cheap', 'free', 'unknown', 'dear']);
});

test('of several open windows the one with the first slug weighs most, and pins stand before all of them', () => {
  const always = { from: '00:00', to: '00:00' };
  const world = snapshotOf(
    openByDefault,
    model('cloud', cost(0.01)),
    model('home', { ...onDevice, ...cost(0.02) }),
    model('den', { ...onDevice, ...cost(0.01) }),
    model('pinned', cost(9)),
    route('text_gen', ['cloud', 'home', 'den']),
    schedule({ ...always, name: 'a', slug: 'a', prefer: 'local' }),
    schedule({ ...always, name: 'b', slug: 'b', prefer: 'cheapest', task_types: ['text_gen'] }),
    schedule({ ...always, name: 'c', slug: 'c', prefer: { tags: ['nothing'] }, task_types: ['code'] }),
  );
  expect(order(world, { model: 'pinned' })).toEqual(['pinned', 'den', 'home', 'cloud']);
  expect(decided(world).notes).toEqual([
    'schedule a is open: local models first',
    'schedule b is open: cheapest models first',
  ]);
});

test('precedence is the task, the reflex, the project, the client, the route', () => {
  const world = snapshotOf(
    openByDefault,
    ...['a', 'b', 'b2', 'c', 'd', 'e'].map((name) => model(name)),
    route('text_gen', ['e', 'd', 'a']),
    client('one', { default_model: 'd' }),
    project('p', { client: 'one', default_model: 'c' }),
    reflex('r', { preferred_model: 'b', fallback: ['b2'] }),
  );
  const asked = { client: 'one', project: 'p', reflex: 'r', model: 'A' };
  expect(decided(world, asked).candidates.map(({ model: slug, why }) => `${slug} ${why}`)).toEqual([
    'a explicit',
    'b reflex',
    'b2 reflex',
    'c project',
    'd client',
    'e route:primary',
  ]);
  expect(order(world, { ...asked, model: undefined, reflex: undefined })).toEqual(['c', 'd', 'e', 'a']);
});

test("another client's project admits no model, and its owner is not told", () => {
  const world = snapshotOf(
    model('cloud', { security_level: 'safe_for_sensitive', allowed_tasks: { can_this_model_see_customer_data: true } }),
    model('home', {
      ...onDevice,
      security_level: 'safe_for_sensitive',
      allowed_tasks: { can_this_model_see_customer_data: true },
    }),
    model('den', {
      ...onDevice,
      security_level: 'safe_for_sensitive',
      allowed_tasks: { can_this_model_see_customer_data: true },
    }),
    route('text_gen', ['cloud', 'home', 'den']),
    client('owner', { data_rules: { avoid_cloud: true } }),
    project('loose', { client: 'owner', data_class: 'open', default_model: 'den' }),
  );
  const set = decided(world, { project: 'loose' });
  expect([set.dataClass, set.candidates]).toEqual(['customer-sensitive', []]);
  expect(new Set(set.exclusions.map(({ rule }) => rule))).toEqual(new Set(['foreign_project']));
  expect(JSON.stringify(set)).not.toContain('owner');
  const own = decided(world, { project: 'loose', client: 'owner' });
  expect([own.dataClass, own.candidates[0]]).toEqual(['open', { model: 'den', why: 'project' }]);
});

test('high priority prefers premium over every preference, and a model that the task names comes before it', () => {
  const world = snapshotOf(
    openByDefault,
    ...['plain', 'wished', 'own', 'named'].map((name) => model(name)),
    ...['best', 'second'].map((name) => model(name, { tier: 'premium' })),
    route('text_gen', ['plain', 'best', 'second']),
    client('one', { default_model: 'own' }),
    reflex('r', { preferred_model: 'wished' }),
    schedule({ name: 'always', slug: 'always', from: '00:00', to: '00:00', prefer: 'local' }),
  );
  const asked = { client: 'one', reflex: 'r', priority: 'high' } as const;
  expect(order(world, asked)).toEqual(['best', 'second', 'wished', 'own', 'plain']);
  expect(order(world, { ...asked, model: 'named' })).toEqual(['named', 'best', 'second', 'wished', 'own', 'plain']);
  expect(order(world, { ...asked, priority: 'normal' })).toEqual(['wished', 'own', 'plain']);
  expect(decided(world, asked).notes).toContain('high priority: premium models first');
  expect(decided(example, { taskType: 'ocr', priority: 'high' }).notes).not.toContain(
    'high priority: premium models first',
  );
});

test.each([
  ['GPT-9', {}, 'unknown_model', 'GPT-9'],
  ['GPT-4', {}, 'tier', 'gpt-4'],
  ['claude 3', { client: 'acmelegal' }, 'avoid_cloud', 'claude-3'],
  ['LLaMA', { taskType: 'ocr' }, 'task_type', 'llama'],
] as const)('a task that names %s and may not have it gets no other model: %j', (named, over, rule, slug) => {
  const set = decided(example, { ...over, model: named });
  expect(set.candidates).toEqual([]);
  expect(set.rejection).toMatchObject({ model: slug, rule });
  expect(set.exclusions).toContainEqual(set.rejection);
  const relaxed = decided(example, { ...over, model: named, unavailableModel: 'route' });
  expect(relaxed.rejection).toBeUndefined();
  expect(relaxed.exclusions.find((one) => one.model === slug)?.rule).toBe(rule);
});

test('a premium model at normal priority is told to need high_priority', () => {
  expect(decided(example, { model: 'GPT-4' }).rejection?.detail).toBe('a premium model needs high_priority: true');
});

test('the other models of a rejected task are told to be not named', () => {
  const { exclusions } = decided(example, { model: 'GPT-4' });
  expect(exclusions.map(({ model: slug, rule }) => [slug, rule])).toEqual([
    ['gpt-4', 'tier'],
    ['claude-3', 'not_named'],
    ['gpt-3-5', 'not_named'],
    ['llama', 'not_named'],
  ]);
});

test('a premium model that its route keeps for when nothing else is left may be named only then', () => {
  const world = snapshotOf(
    openByDefault,
    model('best', { tier: 'premium' }),
    model('plain', { context_tokens: 1_024 }),
    route('text_gen', ['best', 'plain'], { premium_if_empty: true }),
  );
  expect(decided(world, { model: 'best' }).rejection?.rule).toBe('tier');
  expect(order(world, { model: 'best', inputTokens: 2_048 })).toEqual(['best']);
});

test('the request says what happens without its model, else its own project, else its client', () => {
  const world = snapshotOf(
    ...specification,
    client('strict'),
    client('lenient', { unavailable_model: 'route' }),
    project('firm', { client: 'lenient', unavailable_model: 'error' }),
  );
  const isRejected = (over: Partial<Facts>): boolean =>
    decided(world, { model: 'GPT-9', ...over }).rejection !== undefined;
  expect(isRejected({ client: 'strict' })).toBe(true);
  expect(isRejected({ client: 'lenient' })).toBe(false);
  expect(isRejected({ client: 'lenient', project: 'firm' })).toBe(true);
  expect(isRejected({ client: 'lenient', project: 'firm', unavailableModel: 'route' })).toBe(false);
  expect(isRejected({ client: 'lenient', unavailableModel: 'error' })).toBe(true);
});

test('what a reflex, project or client prefers is no error when it may not be had', () => {
  const world = snapshotOf(
    ...specification,
    client('one', { default_model: 'GPT-4' }),
    reflex('r', { preferred_model: 'GPT-4', fallback: ['GPT-3.5'] }),
  );
  expect(order(world, { client: 'one', reflex: 'r' })).toEqual(['gpt-3-5', 'claude-3', 'llama']);
});

test('a model that nobody knows is an exclusion, and where the task says so the route goes on', () => {
  const set = decided(example, { model: 'GPT-9', unavailableModel: 'route' });
  expect(set.exclusions[0]).toEqual({
    model: 'GPT-9',
    rule: 'unknown_model',
    detail: 'no model has this slug, name or alias',
  });
  expect(set.candidates).toHaveLength(3);
});

test('an unknown client or project admits no model, and an unknown reflex is noted', () => {
  const world = snapshotOf(openByDefault, model('m'), route('text_gen', ['m']), client('known'));
  const rulesFor = (asked: Partial<Facts>) => decided(world, asked).exclusions.map(({ rule }) => rule);
  expect(rulesFor({ client: 'known' })).toEqual([]);
  expect(rulesFor({ client: 'knwon' })).toEqual(['unknown_client']);
  expect(rulesFor({ client: 'known', project: 'p' })).toEqual(['unknown_project']);
  expect(decided(world, { client: 'knwon' })).toMatchObject({ dataClass: 'customer-sensitive', candidates: [] });
  expect(decided(world, { reflex: 'r' })).toMatchObject({ candidates: [{ model: 'm' }] });
  expect(decided(world, { reflex: 'r' }).notes).toEqual(['no document for reflex r']);
});

test('a task type without a route takes the models with its tag, the most accurate first, then the cheapest, then by slug', () => {
  const rated = (accuracy: number, price?: number): Partial<ModelDocument> => ({
    tags: ['ocr'],
    benchmark: { accuracy, ...(price !== undefined && { cost_per_1k_tokens_usd: { input: price, output: price } }) },
  });
  const world = snapshotOf(
    openByDefault,
    model('z', rated(9, 1)),
    model('b', rated(9, 2)),
    model('a', rated(9, 2)),
    model('best', rated(10)),
    model('none', { tags: ['ocr'] }),
    model('other'),
  );
  const set = decided(world, { taskType: 'ocr', input: ['image'] });
  expect(set.candidates.map((candidate) => candidate.model)).toEqual(['best', 'z', 'a', 'b', 'none']);
  expect(set.notes).toContain('no route for ocr: models with this tag, most accurate first');
  expect(decided(world, { taskType: 'nothing' }).candidates).toEqual([]);
});

test('a decision ends where the first compliance tag of its models runs out', () => {
  const expires_at = new Date(nowMs + 10_000).toISOString();
  const world = snapshotOf(
    openByDefault,
    model('m', { compliance: [{ standard: 'GDPR', expires_at }] }),
    route('text_gen', ['m']),
    client('c', { data_rules: { use_compliant_only: true } }),
  );
  expect(decided(world, { client: 'c' }).validUntilMs).toBe(nowMs + 10_000);
  expect(order(world, { client: 'c' }, nowMs + 9_999)).toEqual(['m']);
  expect(order(world, { client: 'c' }, nowMs + 10_000)).toEqual([]);
  expect(decided(example).validUntilMs).toBe(nowMs + 60_000);
});

test('the wait for a full model is that of the route, else 200 ms', () => {
  expect(decided(example).waitMs).toBe(200);
  expect(decided(snapshotOf(model('m'), route('text_gen', ['m'], { wait_ms: 0 }))).waitMs).toBe(0);
});

test('the same snapshot, facts and instant give the same decision, to the last byte', () => {
  const asked = { client: 'acmelegal', reflex: 'auto_debug_logs', taskType: 'code' } as const;
  const once = JSON.stringify(decided(example, asked));
  decided(example, { priority: 'high' }, nowMs + 1e9);
  expect(JSON.stringify(decided(example, asked))).toBe(once);
  expect(JSON.stringify(decided(snapshotOf(...specification), asked))).toBe(once);
});
