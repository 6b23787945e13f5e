import { readdirSync, readFileSync } from 'node:fs';
import type { AnyDocument } from '@will/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateDocuments } from './gather.ts';
import { parseDocuments } from './parse-documents.ts';
import { writeDocument, writeDocuments } from './write-documents.ts';

const samples = new URL('../../../../deploy/documents/', import.meta.url);
const sampleFiles = readdirSync(samples, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(yaml|will)$/.test(name))
  .map((name) => ({ path: name, text: readFileSync(new URL(name, samples), 'utf8') }));

function reread(document: AnyDocument): unknown {
  const { documents, problems } = parseDocuments('written.yaml', writeDocument(document));
  return problems.length > 0 ? problems : documents.map((parsed) => parsed.document);
}

test('every sample document is read back as it was, alone and in one file', () => {
  const documents = sampleFiles.flatMap(({ path, text }) =>
    parseDocuments(path, text).documents.map(({ document }) => document),
  );
  expect(documents.length).toBeGreaterThan(15);
  for (const document of documents) expect(reread(document)).toEqual([document]);
  const together = parseDocuments('all.yaml', writeDocuments(documents));
  expect(together.problems).toEqual([]);
  expect(together.documents.map(({ document }) => document)).toEqual(documents);
});

test('whatever text stands in a document is read back as it was', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
  const tricky = fc.constantFrom(
    'no',
    'yes',
    '1',
    '1e3',
    '~',
    'null',
    '- a',
    'a: b',
    '# x',
    '"',
    "'",
    '[a]',
    '!x',
    '&x',
    '2026-01-01',
  );
  const prose = fc.oneof(
    word,
    tricky,
    fc.array(word, { maxLength: 4 }).map((lines) => lines.join('\n')),
  );
  const source = fc.record({
    name: fc.oneof(word, tricky),
    tone: fc.oneof(word, tricky),
    format: prose,
    strengths: fc.array(fc.oneof(word, tricky), { maxLength: 4 }),
    retired: fc.constantFrom(true, '2027-01-01', undefined),
  });
  let read = 0;
  fc.assert(
    fc.property(source, ({ name, tone, format, strengths, retired }) => {
      const written = {
        kind: 'model',
        name,
        slug: 'm',
        tags: ['code'],
        call_method: 'API',
        endpoint: 'https://example.com/v1',
        style: { tone, prompt_format: format, strengths },
        ...(retired !== undefined && { retired }),
      };
      const [parsed] = parseDocuments('source.json', JSON.stringify(written)).documents;
      // What the schema refuses, as a control character, never gets in.
      if (!parsed) return;
      read += 1;
      expect(reread(parsed.document)).toEqual([parsed.document]);
    }),
    { numRuns: 500 },
  );
  expect(read).toBeGreaterThan(0);
});

test('files are valid when each document is and all fit together; every problem has its line', () => {
  expect(validateDocuments(sampleFiles)).toMatchObject({ problems: [] });
  const route = { path: 'r.will', text: '[code]\n  primary: GPT-4\n  fallback_1: GTP-4\n' };
  expect(
    validateDocuments([...sampleFiles, { ...route, text: route.text.replace('[code]', '[more]') }]).problems,
  ).toEqual([{ path: 'r.will', line: 3, field: 'fallback_1', message: expect.stringContaining('nearest: "GPT-4"') }]);
  const twice = validateDocuments([route, { ...route, path: 's.will' }]);
  expect(twice.problems[0]).toMatchObject({ path: 's.will', message: 'route code stands in r.will:1 already' });
});
