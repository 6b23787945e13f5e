import { expect, test } from 'vitest';
import { decide } from '../routing/decide.ts';
import type { CandidateReason, ExclusionRule, RankedSet } from '../routing/decision.ts';
import { explain, explainInWords, mendOf, notAskedFor, reasonInWords } from './explain.ts';
import { client, facts, model, onDevice, openByDefault, route, snapshotOf } from '../testing/documents.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const world = snapshotOf(
  openByDefault,
  model('GPT-4', { tier: 'premium' }),
  model('LLaMA', onDevice),
  model('Aside', onDevice),
  model('Whisper', { tags: ['transcription'] }),
  route('text_gen', ['GPT-4', 'LLaMA']),
  client('AcmeLegal', { data_rules: { avoid_cloud: true } }),
);
const asked = facts({ client: 'acmelegal' });

test('an explanation has the candidates of the decision, every rule that each other model breaks, and models nobody asked for', () => {
  const set = explain(world, asked, nowMs);
  expect(set.candidates).toEqual(decide(world, asked, nowMs).candidates);
  expect(set.exclusions.map(({ model: slug, rule }) => `${slug} ${rule}`)).toEqual([
    'gpt-4 avoid_cloud',
    'gpt-4 tier',
    'aside not_in_route',
    'whisper avoid_cloud',
    'whisper task_type',
    'whisper modality',
  ]);
});

test('it says in words who may, who may not, by which rule, and what would change that', () => {
  expect(explainInWords(explain(world, asked, nowMs))).toEqual([
    'text_gen for client acmelegal, normal priority, open data, revision 1',
    '1. llama: fallback_1 of the route',
    'not gpt-4: avoid_cloud (a call method other than API is needed, it is API); to change it: choose a model that runs at a private address',
    'not gpt-4: tier (a premium model needs high_priority: true); to change it: send the task with high_priority: true, or set premium_if_empty on the route',
    'not aside: not_in_route (it may do the task, but no step of the route and no preference names it); to change it: add it to the route',
    'not whisper: avoid_cloud (a call method other than API is needed, it is API); to change it: choose a model that runs at a private address',
    'not whisper: task_type (its tags transcription do not hold text_gen); to change it: add the task type to its tags',
    'not whisper: modality (text goes in, it takes audio); to change it: choose a model that takes and gives these modalities',
  ]);
  expect(explainInWords(explain(world, facts({ client: 'acmelegal', taskType: 'code' }), nowMs))).toContain(
    'no route for code: models with this tag, most accurate first',
  );
});

test('what is named stays bounded, and how many are left is told', () => {
  const many = snapshotOf(
    openByDefault,
    ...Array.from({ length: 700 }, (_, n) => model(`m${n}`)),
    route('text_gen', ['m0']),
    client('c', { data_rules: { avoid_cloud: true } }),
  );
  const blocked = decide(many, facts({ client: 'c' }), nowMs);
  expect(blocked.exclusions).toHaveLength(101);
  expect(blocked.notes).toEqual(['599 more models are not named here']);
  const told = explain(many, facts({ client: 'c' }), nowMs);
  expect(told.exclusions).toHaveLength(500);
  expect(told.notes).toEqual(['200 more models are not named here']);
});

test('two thousand broken rules are told at most', () => {
  const broken = { tier: 'premium', tags: ['code'], context_tokens: 1, capabilities: [] } as const;
  const many = snapshotOf(
    openByDefault,
    ...Array.from({ length: 500 }, (_, n) => model(`m${n}`, broken)),
    model('ok'),
    route('text_gen', ['ok', ...Array.from({ length: 500 }, (_, n) => `m${n}`)]),
    client('c', { data_rules: { data_residency: 'EU', use_compliant_only: true } }),
  );
  expect(explain(many, facts({ client: 'c' }), nowMs).exclusions).toHaveLength(2_000);
});

test.each<[CandidateReason, string]>([
  ['explicit', 'the task asks for it'],
  ['reflex', 'the reflex prefers it'],
  ['project', "the project's default"],
  ['client', "the client's default"],
  ['route:tag', 'it has the tag'],
  ['route:fallback_1', 'fallback_1 of the route'],
])('%s in words: %s', (why, words) => {
  expect(reasonInWords(why)).toBe(words);
});

test('a rule of a newer policy has no advice of its own', () => {
  expect(mendOf('tier')).toContain('high_priority');
  expect(mendOf('of_tomorrow' as ExclusionRule)).toBe('see the rule');
});

const empty: RankedSet = { ...explain(world, asked, nowMs), candidates: [], exclusions: [], notes: ['a note'] };

test('a decision without candidates says why: the task insists on a model, or no model may do it', () => {
  expect(explainInWords(empty).slice(1)).toEqual(['a note', 'blocked: no model may do it']);
  const rejection = { model: 'gpt-4', rule: 'tier', detail: '' } as const;
  expect(explainInWords({ ...empty, rejection })[2]).toBe(
    'rejected: the task names gpt-4, which it may not have (tier); unavailable_model: route asks the route instead',
  );
});

test('the time of a first content and a ranking are told where there are any', () => {
  const firstContent = { slowMs: 1_250, timeoutMs: 5_000 };
  const ranking = { mode: 'auto', goal: 'cost', incumbent: undefined, autoChoice: undefined, models: [] } as const;
  expect(
    explainInWords({
      ...empty,
      notes: [],
      ranking,
      candidates: [
        { model: 'a', why: 'explicit' },
        { model: 'b', why: 'route:tag', firstContent },
      ],
    }).slice(1),
  ).toEqual([
    'ordered by cost: nothing first',
    '1. a: the task asks for it',
    '2. b: it has the tag; first content within 5.0 s while another may follow (nine in ten come within 1.3 s)',
  ]);
});

test('models that neither route nor task nor documents ask for are told apart', () => {
  const set = explain(world, asked, nowMs);
  expect(notAskedFor(world, asked, set)).toEqual(['aside', 'whisper']);
  expect(notAskedFor(world, facts({ client: 'acmelegal', model: 'Whisper' }), set)).toEqual(['aside']);
});
