import { expect, test } from 'vitest';
import { exclusionOf, requirementOf } from '../eligibility/eligibility.ts';
import type { Model, Snapshot } from '../snapshot/snapshot.ts';
import { client, facts, model, openByDefault, project, snapshotOf } from '../testing/documents.ts';
import { passThroughOf } from './chat-fields.ts';
import {
  admitsDataClass,
  type DataClass,
  dataClasses,
  isCustomerData,
  isSensitiveData,
  strictestOf,
} from './data-class.ts';
import type { ModelDocument } from './documents.ts';
import type { Facts } from './facts.ts';
import { insistsOnModel, namedExclusionOf, unavailableModelOf, unknownModel } from './named-model.ts';
import { modalitiesOfTags } from './modalities.ts';
import { pricesOf } from './prices.ts';

test.each<[string, Pick<ModelDocument, 'provider' | 'call_method' | 'pass_through'>, boolean, boolean]>([
  ['a local server of OpenAI’s form', { provider: 'openai-compatible', call_method: 'Local' }, true, false],
  ['a container of it', { provider: 'openai-compatible', call_method: 'container' }, true, false],
  ['a service of that form', { provider: 'openai-compatible', call_method: 'API' }, false, false],
  ['a local server of another form', { provider: 'gguf', call_method: 'Local' }, false, false],
  ['what its document lists', { provider: 'gguf', call_method: 'API', pass_through: ['own'] }, false, true],
  [
    'a list in place of the usual',
    { provider: 'openai-compatible', call_method: 'Local', pass_through: ['own'] },
    false,
    true,
  ],
  ['an empty list', { provider: 'openai-compatible', call_method: 'Local', pass_through: [] }, false, false],
])('a chat may carry further fields to %s: top_k %s, a field of its own %s', (_what, document, topK, own) => {
  const fields = passThroughOf(document);
  expect([fields.has('top_k'), fields.has('own'), fields.has('temperature')]).toEqual([topK, own, false]);
});

test('the stricter of two classes has the flags of both', () => {
  for (const a of dataClasses)
    for (const b of dataClasses) {
      const both = strictestOf(a, b);
      expect([a, b, isCustomerData(both)]).toEqual([a, b, isCustomerData(a) || isCustomerData(b)]);
      expect([a, b, isSensitiveData(both)]).toEqual([a, b, isSensitiveData(a) || isSensitiveData(b)]);
    }
});

test.each<[DataClass, readonly [boolean, boolean, boolean, boolean]]>([
  ['open', [true, true, true, true]],
  ['customer', [false, true, false, true]],
  ['sensitive', [false, false, true, true]],
  ['customer-sensitive', [false, false, false, true]],
])('%s data is admitted by tags for neither, customers’, sensitive and both: %j', (dataClass, admitted) => {
  const tags = [false, true].flatMap((isSafe) =>
    [false, true].map((sees) => ({
      securityLevel: isSafe ? ('safe_for_sensitive' as const) : ('non_sensitive_only' as const),
      maySeeCustomerData: sees,
    })),
  );
  expect(tags.map((one) => admitsDataClass(one, dataClass))).toEqual(admitted);
  const unknown = { securityLevel: undefined, maySeeCustomerData: undefined };
  expect(admitsDataClass(unknown, dataClass)).toBe(dataClass === 'open');
});

const world = snapshotOf(
  openByDefault,
  model('m', { aliases: ['Other Name'] }),
  model('best', { tier: 'premium' }),
  client('strict', { unavailable_model: 'error' }),
  client('lenient', { unavailable_model: 'route' }),
  project('firm', { unavailable_model: 'error' }),
  project('bare'),
);

test.each<[Partial<Facts>, 'error' | 'route']>([
  [{}, 'error'],
  [{ client: 'gone' }, 'error'],
  [{ client: 'lenient' }, 'route'],
  [{ client: 'lenient', project: 'bare' }, 'route'],
  [{ client: 'lenient', project: 'gone' }, 'route'],
  [{ client: 'lenient', project: 'firm' }, 'error'],
  [{ client: 'lenient', project: 'firm', unavailableModel: 'route' }, 'route'],
  [{ client: 'lenient', unavailableModel: 'error' }, 'error'],
])('for a named model that may not be had %j says %s', (asked, choice) => {
  expect(unavailableModelOf(world, facts(asked))).toBe(choice);
  expect(insistsOnModel(world, facts({ ...asked, model: 'm' }))).toBe(choice === 'error');
  expect(insistsOnModel(world, facts(asked))).toBe(false);
});

test('a task must not run at all where it insists on a model that does not exist or that a rule excludes', () => {
  const excluded = (asked: Partial<Facts>) =>
    namedExclusionOf(world, requirementOf(world, facts(asked)), facts(asked), 0)?.rule;
  expect(excluded({})).toBeUndefined();
  expect(excluded({ model: 'OTHER NAME' })).toBeUndefined();
  expect(excluded({ model: 'best' })).toBe('tier');
  expect(excluded({ model: 'gone' })).toBe('unknown_model');
  expect(excluded({ model: 'gone', client: 'lenient' })).toBeUndefined();
  expect(excluded({ model: 'best', unavailableModel: 'route' })).toBeUndefined();
  const asked = facts({ model: 'best' });
  const best = (world as Snapshot).models.get('best') as Model;
  expect(namedExclusionOf(world, requirementOf(world, asked), asked, 0)).toEqual(
    exclusionOf(best, requirementOf(world, asked), asked, 0),
  );
  expect(unknownModel('x'.repeat(90))).toEqual({
    model: 'x'.repeat(80),
    rule: 'unknown_model',
    detail: 'no model has this slug, name or alias',
  });
});

test('every rate of a document is integer money, and what it does not state is absent', () => {
  const rates = {
    input: 1,
    output: 2,
    cached_input: 3,
    cache_write: 4,
    cache_write_1h: 5,
    reasoning: 6,
    audio_input: 7,
    audio_output: 8,
    image_input: 9,
    image_output: 0.000_000_001_4,
  };
  const nano = {
    input: 1e9,
    output: 2e9,
    cachedInput: 3e9,
    cacheWrite: 4e9,
    cacheWrite1h: 5e9,
    reasoning: 6e9,
    audioInput: 7e9,
    audioOutput: 8e9,
    imageInput: 9e9,
    imageOutput: 1,
  };
  expect(pricesOf({ prices: { ...rates, image: 0.04, request: 0.005 } })).toEqual({
    price: { ...nano, image: 40_000_000, request: 5_000_000 },
    priceHours: [],
  });
  expect(pricesOf({ prices: { input: 1, output: 2 } })).toEqual({ price: { input: 1e9, output: 2e9 }, priceHours: [] });
  expect(pricesOf({})).toEqual({ price: undefined, priceHours: [] });
  expect(pricesOf({ benchmark: {} })).toEqual({ price: undefined, priceHours: [] });
});

test('tiers stand by their length, and hours in their zone, which is UTC where none is stated', () => {
  const { price, priceHours } = pricesOf({
    prices: {
      input: 1,
      output: 2,
      tiers: [
        { above_input_tokens: 500, input: 9 },
        { above_input_tokens: 100, output: 8 },
        { above_input_tokens: 300 },
      ],
      hours: [
        { from: '01:00', to: '02:00', input: 3 },
        { from: '05:00', to: '06:00', days: ['mon'], time_zone: 'Asia/Tokyo', output: 4 },
      ],
    },
  });
  expect(price?.tiers).toEqual([
    { aboveInputTokens: 100, output: 8e9 },
    { aboveInputTokens: 300 },
    { aboveInputTokens: 500, input: 9e9 },
  ]);
  expect(priceHours).toEqual([
    { window: { from: '01:00', to: '02:00' }, zone: 'UTC', rates: { input: 3e9 } },
    { window: { from: '05:00', to: '06:00', days: ['mon'] }, zone: 'Asia/Tokyo', rates: { output: 4e9 } },
  ]);
});

test('tags together can take and give what each can, and an unknown one means text', () => {
  const of = (...tags: readonly string[]): readonly string[][] => {
    const { input, output } = modalitiesOfTags(tags);
    return [[...input], [...output]];
  };
  expect(of()).toEqual([[], []]);
  expect(of('legal')).toEqual([['text'], ['text']]);
  expect(of('toString')).toEqual([['text'], ['text']]);
  expect(of('transcription', 'image_gen', 'rerank')).toEqual([
    ['audio', 'text'],
    ['text', 'image', 'score'],
  ]);
});
