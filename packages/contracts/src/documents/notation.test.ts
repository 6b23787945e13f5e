import { expect, test } from 'vitest';
import { isDocumentFile, isFence, isSpecificationNotation, readSections } from './notation.ts';

test.each([
  ['[text_gen]', 'route', 'text_gen'],
  ['  [ Client : Acme Legal ]  # a note', 'client', 'Acme Legal'],
  ['[a_b:c.d/e-f]', 'a_b', 'c.d/e-f'],
  ['[x]#', 'route', 'x'],
])('%s is a heading', (line, kind, name) => {
  expect(readSections(line)).toEqual([{ kind, name, line: 1, text: '' }]);
  expect(isSpecificationNotation(line)).toBe(true);
});

test.each([
  '[]',
  '[a, b]',
  '["a"]',
  '[a:b:c]',
  '[a',
  'a]',
  '[a] b',
  'x [a]',
  '[1a:b]',
  `[${'x'.repeat(199)}]`,
  '[:a]',
  '[#a]',
])('%s is none', (line) => {
  expect(readSections(line)).toEqual([]);
  expect(isSpecificationNotation(line)).toBe(false);
});

test('a heading has at most 200 characters', () => {
  expect(isSpecificationNotation(`[${'x'.repeat(198)}]`)).toBe(true);
  expect(isFence(`\`\`\`${' '.repeat(197)}`)).toBe(true);
  expect(isFence(`\`\`\`${' '.repeat(198)}`)).toBe(false);
});

test('a section holds what stands below its heading; a fence is an empty line, so that each line keeps its number', () => {
  const text = 'lost\n[a]\r\n  x: 1\r\n```yaml\n  y: 2\n[client:B]\n~~~\n[c]';
  expect(readSections(text)).toEqual([
    { kind: 'route', name: 'a', line: 2, text: '  x: 1\n\n  y: 2' },
    { kind: 'client', name: 'B', line: 6, text: '' },
    { kind: 'route', name: 'c', line: 8, text: '' },
  ]);
});

test('a text is in this notation where its first line that is no comment, blank or fence is a heading', () => {
  expect(isSpecificationNotation('# a\n\n   \n  # b\n```yaml\n  ~~~\n[a]\n')).toBe(true);
  expect(isSpecificationNotation('a: 1\n[a]')).toBe(false);
  expect(isSpecificationNotation('')).toBe(false);
  expect(isSpecificationNotation('# [a]')).toBe(false);
  expect(isSpecificationNotation('x # b\n[a]')).toBe(false);
});

test.each(['```', '~~~', '  ``` yaml ', '```YAML'])('%j is a fence', (line) => expect(isFence(line)).toBe(true));
test.each(['``', 'x```', '``` a b', '```1', ''])('%j is no fence', (line) => expect(isFence(line)).toBe(false));

test('a file of documents is YAML, JSON, or a text in this notation', () => {
  expect(['a.yaml', 'a.YML', 'b.json'].map((path) => isDocumentFile(path, ''))).toEqual([true, true, true]);
  expect(['a.will', 'b.yaml.txt', 'yaml'].map((path) => isDocumentFile(path, '[a]'))).toEqual([true, true, true]);
  expect(['a.will', 'b.yaml.txt', 'yaml'].map((path) => isDocumentFile(path, 'a: 1'))).toEqual([false, false, false]);
});
