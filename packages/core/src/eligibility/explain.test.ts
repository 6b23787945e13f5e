import { expect, test } from 'vitest';
import { decide } from '../routing/decide.ts';
import { explain, explainInWords } from './explain.ts';
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
