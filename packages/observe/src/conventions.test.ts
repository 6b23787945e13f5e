import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { expect, test } from 'vitest';
import { genAi, genAiMetrics, previousGenAi, semanticConventions } from './conventions.ts';
import { type Measure, measures } from './measures.ts';

const known: ReadonlySet<string> = new Set(Object.values(conventions).filter((value) => typeof value === 'string'));

test('every name of the release before stands in the package of the conventions of that time', () => {
  expect(known.size).toBeGreaterThan(500);
  expect(Object.values(previousGenAi).filter((name) => !known.has(name))).toEqual([]);
  const entry = createRequire(import.meta.url).resolve('@opentelemetry/semantic-conventions');
  const manifest = join(dirname(entry), '..', 'package.json');
  expect((JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version).toBe(semanticConventions);
});

test('attributes are those of that package, but for the two that came with the first release of the GenAI conventions', () => {
  expect(Object.values(genAi).filter((name) => !known.has(name))).toEqual([
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.token.modality',
  ]);
});

test('metrics of calls have the names, units and buckets of the conventions', () => {
  const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
  const powersOfFour = Array.from({ length: 14 }, (_, n) => 4 ** n);
  const found = Object.values(measures).filter(({ name }) => name.startsWith('gen_ai.'));
  expect(found.map(({ name }) => name).toSorted()).toEqual(Object.values(genAiMetrics).toSorted());
  for (const { name, kind, unit, bounds } of found as readonly Measure[]) {
    const isTime = /duration|time_/.test(name);
    expect([name, kind]).toEqual([name, name.includes('.usage.') ? 'counter' : 'histogram']);
    expect([name, unit]).toEqual([name, isTime ? 's' : '{token}']);
    if (kind === 'histogram') expect([name, bounds]).toEqual([name, isTime ? seconds : powersOfFour]);
  }
});
