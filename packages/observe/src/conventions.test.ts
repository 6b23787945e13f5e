import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { expect, test } from 'vitest';
import { genAi, semanticConventions } from './conventions.ts';

test('every name that is used stands in the pinned version of the conventions', () => {
  const known = new Set(Object.values(conventions).filter((value) => typeof value === 'string'));
  expect(known.size).toBeGreaterThan(500);
  expect(Object.values(genAi).filter((name) => !known.has(name))).toEqual([]);
  const entry = createRequire(import.meta.url).resolve('@opentelemetry/semantic-conventions');
  const manifest = join(dirname(entry), '..', 'package.json');
  expect((JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version).toBe(semanticConventions);
});
