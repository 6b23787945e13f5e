import { expect, test } from 'vitest';
import { jsonCheck } from './json-check.ts';
import { parseDocuments } from './parse-documents.ts';

function taskType(fields: object): unknown {
  const { documents, problems } = parseDocuments(
    't.json',
    JSON.stringify({ kind: 'task_type', name: 'qa', ...fields }),
  );
  return problems.length > 0 ? problems.map(({ field, message }) => [field, message]) : documents[0]?.document.body;
}
const allowed = 'must be a JSON Schema of an object (type: object), at most 32 KB';
const withText = { type: 'object', properties: { text: { type: 'string' }, to: {} } };

test('a task type keeps its schemas as they are written', () => {
  const fields = { fields: withText, answer: { type: 'object' }, prompt: 'Say {text} in {to}.' };
  expect(taskType(fields)).toEqual({ name: 'qa', slug: 'qa', ...fields });
  expect(taskType({ slug: 'other' })).toEqual({ name: 'qa', slug: 'other' });
});

test.each<[string, unknown, string]>([
  ['text', 'object', `"object" ${allowed}`],
  ['nothing', null, `null ${allowed}`],
  ['a schema of a list', { type: 'array' }, `a map ${allowed}`],
  ['a schema that is too large', { type: 'object', title: 'x'.repeat(32_741) }, `a map ${allowed}`],
  [
    'a schema that is none',
    { type: 'object', required: 7 },
    `a map ${allowed}: schema is invalid: data/required must be array`,
  ],
])('%s is no schema', (_what, answer, message) => {
  expect(taskType({ answer })).toEqual([['answer', message]]);
});

test('a schema may have 32 KiB', () => {
  const answer = { type: 'object', title: 'x'.repeat(32 * 1024 - 28) };
  expect(JSON.stringify(answer)).toHaveLength(32 * 1024);
  expect(taskType({ answer })).toMatchObject({ answer });
});

test('a prompt may name only fields that are described', () => {
  const message = (known: string) => [['prompt', `{tone} must be one of the properties of fields: ${known}`]];
  expect(taskType({ fields: withText, prompt: '{text} {tone} {mood}' })).toEqual(message('text, to'));
  expect(taskType({ fields: { type: 'object' }, prompt: '{tone}' })).toEqual(message('none is described'));
  expect(taskType({ prompt: '{tone}' })).toEqual(message('none is described'));
  expect(taskType({ fields: withText, prompt: 'no fields' })).toMatchObject({ prompt: 'no fields' });
});

test('a value that does not fit is told by its place and reason, never by itself', () => {
  const check = jsonCheck({
    type: 'object',
    properties: { list: { type: 'array', items: { type: 'integer' } } },
    required: ['list'],
    additionalProperties: false,
  });
  if (typeof check === 'string') throw new Error(check);
  expect(check({ list: [1] })).toBeUndefined();
  expect(check(7)).toBe('the input must be object');
  expect(check({})).toBe("the input must have required property 'list'");
  expect(check({ list: [1, 'a secret'] })).toBe('list.1 must be integer');
  expect(check({ list: [], extra: 'a secret' })).toBe('the input must NOT have additional properties ("extra")');
  expect(check({ list: [], ['x'.repeat(90)]: 1 })).toContain(`("${'x'.repeat(80)}")`);
});

test('a schema says why it is none; formats are notes', () => {
  expect(jsonCheck({ type: 'no such type' })).toContain('schema is invalid');
  const check = jsonCheck({ type: 'string', format: 'no such format', unknownKeyword: 1 });
  expect(typeof check === 'string' ? check : check('x')).toBeUndefined();
});
