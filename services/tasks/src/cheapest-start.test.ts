import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { type AnyDocument, compileSnapshot, type PricesDocument } from '@will/core';
import { expect, test } from 'vitest';
import { cheapestStart } from './cheapest-start.ts';

const noonMs = Date.UTC(2026, 10, 23, 12);
const hourMs = 3_600_000;
const model = (prices: PricesDocument): AnyDocument => ({
  kind: 'model',
  body: {
    name: 'night',
    slug: 'night',
    aliases: [],
    tags: ['text_gen'],
    call_method: 'API',
    provider: 'openai-compatible',
    capabilities: [],
    tier: 'standard',
    prices,
  },
});
function startOf(
  prices: PricesDocument,
  latestMs: number,
  more: MessageInitShape<typeof wire.TaskSchema> = {},
): number {
  const compiled = compileSnapshot(1, [
    model(prices),
    { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } },
  ]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  const task = create(wire.TaskSchema, { type: 'text_gen', input: new Uint8Array(300), ...more });
  return cheapestStart({ snapshot: compiled.snapshot, client: 'default', task, earliestMs: noonMs, latestMs });
}
const atNight = { input: 2, output: 4, hours: [{ from: '20:00', to: '23:00', input: 1, output: 2 }] };

test('a task waits for the hour at which its model costs least, if that comes in time', () => {
  expect(startOf(atNight, noonMs + 10 * hourMs)).toBe(noonMs + 8 * hourMs);
  expect(startOf(atNight, noonMs + 7 * hourMs)).toBe(noonMs);
});

test('where the price is always the same, or not known, it starts at once', () => {
  expect(startOf({ input: 2, output: 4 }, noonMs + 20 * hourMs)).toBe(noonMs);
});

test('where no model may do it, a task starts at once', () => {
  expect(startOf(atNight, noonMs + 10 * hourMs, { needs: ['tools'] })).toBe(noonMs);
});

test('the hour is the cheapest for as much output as the task says, or for five hundred tokens', () => {
  // By day the input is dear, by night the output.
  const prices = { input: 30, output: 1, hours: [{ from: '20:00', to: '23:00', input: 1, output: 8 }] };
  const latestMs = noonMs + 10 * hourMs;
  expect(startOf(prices, latestMs, { inputTokens: 100, maxOutputTokens: 100 })).toBe(noonMs + 8 * hourMs);
  expect(startOf(prices, latestMs, { inputTokens: 100 })).toBe(noonMs);
  expect(startOf(prices, latestMs, { inputTokens: 100, maxOutputTokens: 1_000 })).toBe(noonMs);
});
