import type { AnyDocument } from '@will/core';
import { expect, test } from 'vitest';
import { gatherDocuments, keepSlugs, keyOfDocument, placeProblem, slugTaken, validateDocuments } from './gather.ts';
import { formatProblem, maxFileBytes, parseDocuments } from './index.ts';

const clients = (path: string, ...names: readonly string[]) => ({
  path,
  text: names.map((name) => `kind: client\nname: ${name}\n`).join('---\n'),
});
const problemsIn = (...files: readonly { path: string; text: string }[]): string[] =>
  gatherDocuments(files).problems.map(formatProblem);

test('documents of several files are gathered by kind and slug, with the problems of each', () => {
  const { documents, problems } = gatherDocuments([
    clients('a.yaml', 'One', 'Two'),
    { path: 'b.yaml', text: 'kind: client\nname: Three\nno: 1\n---\nkind: project\nname: One\n' },
  ]);
  expect([...documents.keys()]).toEqual(['client:one', 'client:two', 'project:one']);
  expect(documents.get('client:two')).toMatchObject({ path: 'a.yaml', line: 4 });
  expect(problems).toMatchObject([{ path: 'b.yaml', line: 3, field: 'no' }]);
});

test('a document that stands twice is a problem of the second, also under another name that makes its slug', () => {
  expect(problemsIn(clients('a.yaml', 'One'), clients('b.yaml', 'ONE'))).toEqual([
    'b.yaml:1: client one stands in a.yaml:1 already',
  ]);
  expect(problemsIn(clients('a.yaml', 'a b', 'a-b'))).toEqual([
    'a.yaml:4: client "a-b" has the slug a-b, which client "a b" has already; give one of them another slug (a.yaml:1)',
  ]);
  const { documents } = gatherDocuments([clients('a.yaml', 'a b', 'a-b')]);
  expect(documents.get('client:a-b')?.document.body.name).toBe('a b');
});

test('a document keeps the slug that its name was stored with, unless it states one', () => {
  const stored: AnyDocument[] = [
    { kind: 'client', body: { name: 'Acme', slug: 'acme-1' } },
    { kind: 'project', body: { name: 'Other', slug: 'other-1' } },
  ];
  const text = 'kind: client\nname: ACME\n---\nkind: client\nname: other\n---\nkind: client\nname: Acme\nslug: mine\n';
  const { documents } = gatherDocuments([{ path: 'a.yaml', text }], keepSlugs(stored));
  expect([...documents.keys()]).toEqual(['client:acme-1', 'client:other', 'client:mine']);
  expect(documents.get('client:acme-1')?.document).toEqual({ kind: 'client', body: { name: 'ACME', slug: 'acme-1' } });
});

test('a problem among documents has the place of its document, and is told as stored where no file holds it', () => {
  const { documents } = gatherDocuments([{ path: 'a.yaml', text: 'kind: client\nname: a\ndefault_model: X\n' }]);
  const problem = { kind: 'client', slug: 'a', field: 'default_model', message: 'no' } as const;
  expect(placeProblem(problem, documents)).toEqual({ path: 'a.yaml', line: 3, field: 'default_model', message: 'no' });
  expect(placeProblem({ ...problem, slug: 'b' }, documents)).toMatchObject({ path: 'stored client b', line: 1 });
});

test('files are fitted together only when each is right by itself', () => {
  const route = { path: 'r.will', text: '[code]\n  primary: GPT-4\n' };
  expect(validateDocuments([route])).toMatchObject({
    documents: 1,
    problems: [{ path: 'r.will', line: 2, field: 'primary' }],
  });
  const broken = { path: 'b.will', text: '[more]\n  no: 1\n' };
  expect(validateDocuments([route, broken])).toMatchObject({
    documents: 1,
    problems: [{ path: 'b.will' }, { path: 'b.will' }],
  });
  expect(validateDocuments([])).toEqual({ documents: 0, problems: [] });
});

test('what fits together and can never work is a problem', () => {
  const model = 'kind: model\nname: A\ntags: [code]\ncall_method: API\nendpoint: https://h\n';
  const files = [
    { path: 'm.yaml', text: model },
    { path: 'r.will', text: '[text_gen]\n  primary: A\n' },
  ];
  expect(validateDocuments(files)).toMatchObject({ documents: 2, problems: [{ path: 'r.will', line: 2 }] });
  expect(validateDocuments([{ path: 'm.yaml', text: model }]).problems).toEqual([]);
});

test('a document is known by kind and slug, and says whose slug it has', () => {
  const [a, b] = ['A', 'a'].map((name): AnyDocument => ({ kind: 'client', body: { name, slug: 'a' } }));
  if (!a || !b) throw new Error('two documents');
  expect(keyOfDocument(a)).toBe('client:a');
  expect(slugTaken(a, b)).toBe(
    'client "A" has the slug a, which client "a" has already; give one of them another slug',
  );
});

test('a file that is too large is one problem', () => {
  const { documents, problems } = parseDocuments('big.yaml', `#${'é'.repeat(maxFileBytes / 2)}`);
  expect(documents).toEqual([]);
  expect(problems.map(formatProblem)).toEqual([
    `big.yaml:1: ${maxFileBytes + 1} bytes exceed the ${maxFileBytes} of a file`,
  ]);
});
