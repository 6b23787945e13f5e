import { expect, test } from 'vitest';
import { fieldOf, pathOf, readYaml, yamlParts } from './read-yaml.ts';
import { quote } from './problem.ts';

const valueOf = (text: string): unknown => {
  const { documents, problems } = readYaml(text);
  expect(problems).toEqual([]);
  return documents.map(({ value }) => value);
};
const problemsOf = (text: string, firstLine?: number): (readonly [number, string, string])[] =>
  readYaml(text, firstLine).problems.map(({ line, field, message }) => [line, field, message]);

test('documents are read as plain data; empty ones are passed over', () => {
  expect(valueOf('a: 1\nb: [x, 2.5, yes, true, null, ~]\nc: {d: "1"}\n')).toEqual([
    { a: 1, b: ['x', 2.5, 'yes', true, null, null], c: { d: '1' } },
  ]);
  expect(valueOf('a: 1\n---\n---\n# nothing\n---\nb: 2\n')).toEqual([{ a: 1 }, { b: 2 }]);
  expect(valueOf('a: [b: 1]\n<<: {c: 2}')).toEqual([{ a: [{ b: 1 }], '<<': { c: 2 } }]);
  expect(valueOf('')).toEqual([]);
  expect(valueOf('null')).toEqual([]);
  expect(valueOf('1.10: x\n2: y')).toEqual([{ '1.10': 'x', '2': 'y' }]);
});

test.each(['name', 'version', 'provider_model', 'client'])(
  'a number in the field %s is meant as it is written',
  (field) => {
    expect(valueOf(`${field}: 1.10`)).toEqual([{ [field]: '1.10' }]);
  },
);

test('numbers in lists of names are meant as they are written, and numbers elsewhere are numbers', () => {
  expect(valueOf('aliases: [1.10, 007]\ntags: [4.0]\nother: [1.10]\nnames: 1.10')).toEqual([
    { aliases: ['1.10', '007'], tags: ['4.0'], other: [1.1], names: 1.1 },
  ]);
  expect(valueOf('name: ~\nversion: true')).toEqual([{ name: null, version: true }]);
  expect(valueOf('1.10')).toEqual([1.1]);
  expect(valueOf('[1.10]')).toEqual([[1.1]]);
});

test('each part knows its line, and a part that is not there has that of what is around it', () => {
  const { documents } = readYaml('# one\na: 1\nlimits:\n  rpm: 2\nlist:\n  - x\n  -\n    y: 1\n', 10);
  const lineOf = (...path: (string | number)[]): number | undefined => documents[0]?.lineOf(path);
  expect(documents[0]?.line).toBe(11);
  expect(lineOf('a')).toBe(11);
  expect(lineOf('limits', 'rpm')).toBe(13);
  expect(lineOf('limits', 'tpm')).toBe(12);
  expect(lineOf('limits', 'tpm', 'deeper')).toBe(12);
  expect(lineOf('list', 0)).toBe(15);
  expect(lineOf('list', 1, 'y')).toBe(17);
  expect(lineOf('nothing')).toBe(11);
  expect(lineOf()).toBe(11);
});

test.each<[string, string, (readonly [number, string, string])[]]>([
  ['an alias', 'a: &x 1\nb: *x', [[1, '', '"&x" is an anchor or alias; write the value out']]],
  ['an alias of nothing', 'a: 1\nb: *x', [[2, '', '"*x" is an anchor or alias; write the value out']]],
  ['a tag', 'a: 1\nb: !!binary x', [[2, '', '"!!binary" is a tag; tags are not allowed']]],
  ['a directive', '%YAML 1.1\n---\na: 1', [[1, '', '"%YAML 1.1" is a directive; directives are not allowed']]],
  ['a field twice', 'a: 1\nb: 2\na: 3', [[3, 'a', 'is written twice']]],
  ['a field twice, deeper', 'a:\n  b: 1\n  b: 2', [[3, 'a.b', 'is written twice']]],
  ['a key of the prototype', 'a:\n  __proto__: 1', [[2, 'a', 'field "__proto__" is not allowed anywhere']]],
  ['a constructor', 'constructor: 1', [[1, '', 'field "constructor" is not allowed anywhere']]],
  ['a prototype', '- prototype: 1', [[1, '[0]', 'field "prototype" is not allowed anywhere']]],
  ['a list as a field', '[a, b]: 1', [[1, '', 'a field must have a plain name']]],
  ['nothing as a field', 'a:\n  ? : 1', [[2, 'a', 'a field must have a plain name']]],
])('%s', (_what, text, problems) => {
  expect(problemsOf(text)).toEqual(problems);
});

test('every problem of a file is told, and its other documents are read', () => {
  const { documents, problems } = readYaml('a: 1\na: 2\nconstructor: 3\n---\nb: 1\n---\nc: "\n');
  expect(documents.map(({ value }) => value)).toEqual([{ b: 1 }]);
  expect(problems.map(({ line }) => line)).toEqual([2, 3, expect.any(Number)]);
  expect(problems[2]).toMatchObject({ field: '', message: expect.stringMatching(/^cannot be read: ./) });
});

test('of one document a hundred problems are told', () => {
  const twice = Array.from({ length: 101 }, (_, n) => `f${n}: 1\nf${n}: 2\n`).join('');
  expect(problemsOf(twice)).toHaveLength(100);
});

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const tooDeep = 'is nested deeper than 32 levels';

test('32 levels are read, and no more, however they are written', () => {
  // The innermost list is empty: no level.
  expect(problemsOf(nested(32))).toEqual([]);
  expect(problemsOf(`a: 1\nb: ${nested(33)}`)).toEqual([[2, '', tooDeep]]);
  expect(problemsOf(`{a: ${'{a: '.repeat(31)}1${'}'.repeat(32)}`)).toEqual([[1, expect.any(String), tooDeep]]);
  expect(problemsOf(`${'{a: '.repeat(33)}1${'}'.repeat(33)}`)).toEqual([[1, '', tooDeep]]);
  const indented = (depth: number): string =>
    Array.from({ length: depth }, (_, level) => `${' '.repeat(level)}a:`).join('\n');
  expect(problemsOf(`${indented(31)} 1`)).toEqual([]);
  expect(problemsOf(`${indented(32)} 1`)).toEqual([[32, Array(32).fill('a').join('.'), tooDeep]]);
  expect(problemsOf('- '.repeat(65))).toEqual([[1, '', tooDeep]]);
  expect(problemsOf('? '.repeat(65))).toEqual([[1, '', tooDeep]]);
});

test('brackets that are closed again and lines that begin again do not add up', () => {
  expect(problemsOf(`a: [${'[],'.repeat(100)}]`)).toEqual([]);
  expect(problemsOf(`a: [${'{},'.repeat(100)}]`)).toEqual([]);
  expect(problemsOf(`a: {${Array.from({ length: 100 }, (_, n) => `k${n}: 1`).join(', ')}}`)).toEqual([]);
  expect(problemsOf(Array.from({ length: 100 }, (_, n) => `k${n}: 1`).join('\n'))).toEqual([]);
  expect(problemsOf('- a\n'.repeat(100))).toEqual([]);
  expect(problemsOf(`${']'.repeat(40)}\n---\n${nested(33)}`)).toEqual([[3, '', tooDeep]]);
});

test('an open bracket does not reach over the end of its document', () => {
  const text = Array.from({ length: 40 }, () => '---\n[\n').join('');
  expect(readYaml(text).problems.map(({ message }) => message)).not.toContain(tooDeep);
});

test('a text is cut at its document markers, and each part knows its line', () => {
  expect(yamlParts('a: 1\n---\nb: 2\n--- \nc: 3\n---')).toEqual([
    { text: 'a: 1\n', line: 1 },
    { text: '---\nb: 2\n', line: 2 },
    { text: '--- \nc: 3\n', line: 4 },
    { text: '---', line: 6 },
  ]);
  expect(yamlParts('a: |\n  ---\nb: ---x\n---x')).toHaveLength(1);
});

test('a path of a field is read as people write it, and back', () => {
  const pairs: [string, PropertyKey[]][] = [
    ['', []],
    ['limits.rpm', ['limits', 'rpm']],
    ['aliases[0]', ['aliases', 0]],
    ['[12].a', [12, 'a']],
    ['steps[1].model', ['steps', 1, 'model']],
  ];
  for (const [field, path] of pairs) {
    expect(fieldOf(path)).toBe(field);
    expect(pathOf(field)).toEqual(path);
  }
  expect(fieldOf(['x'.repeat(90)])).toBe('x'.repeat(80));
  expect(pathOf('a[x]')).toEqual(['a', '[x]']);
});

test('a value is shown as JSON, cut after sixty characters; lists and maps by their kind', () => {
  expect([null, true, 1.5, 'a"b', undefined, [1, 2], { a: 1 }].map(quote)).toEqual([
    'null',
    'true',
    '1.5',
    String.raw`"a\"b"`,
    'nothing',
    'a list of 2',
    'a map',
  ]);
  expect(quote('x'.repeat(58))).toBe(`"${'x'.repeat(58)}"`);
  expect(quote('x'.repeat(59))).toBe(`"${'x'.repeat(59)}…"`);
});
