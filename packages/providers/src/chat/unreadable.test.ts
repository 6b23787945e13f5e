import { expect, test } from 'vitest';
import {
  type AnswerError,
  detailsOf,
  fieldsOf,
  listOf,
  mustBeFields,
  parseJson,
  textOf,
  toldError,
} from './unreadable.ts';

const failure = { reason: 'bad_response', httpStatus: 200 };
const cannotBeRead = expect.objectContaining({
  name: 'AnswerError',
  message: expect.stringContaining('could not be read'),
  failure: expect.objectContaining(failure),
}) as AnswerError;

test.each([
  ['an object', { a: 1 }, { a: 1 }, undefined, undefined],
  ['a list', [1], undefined, [1], undefined],
  ['text', 'a', undefined, undefined, 'a'],
  ['a number', 7, undefined, undefined, undefined],
  ['true', true, undefined, undefined, undefined],
])('%s is taken for what it is, and for nothing else', (_what, value, fields, list, text) => {
  const readers = [
    [fieldsOf, fields],
    [mustBeFields, fields],
    [listOf, list],
    [textOf, text],
  ] as const;
  for (const [read, expected] of readers)
    if (expected === undefined) expect(() => read(value)).toThrow(cannotBeRead);
    else expect(read(value)).toEqual(expected);
  expect(detailsOf(value)).toEqual(fields ?? {});
});

test.each([undefined, null])('%s is nothing', (value) => {
  expect(fieldsOf(value)).toBeUndefined();
  expect(() => mustBeFields(value)).toThrow(cannotBeRead);
  expect(listOf(value)).toEqual([]);
  expect(textOf(value)).toBe('');
  expect(detailsOf(value)).toEqual({});
});

test('JSON is read of text and of bytes, and what is none is undefined', () => {
  expect(parseJson('{"a":1}')).toEqual({ a: 1 });
  expect(parseJson(Buffer.from('\uFEFF"é"'))).toBe('é');
  for (const none of ['', '{', Buffer.from('{'), new Uint8Array([0x22, 0xff, 0x22])])
    expect(parseJson(none)).toBeUndefined();
});

test('an error in place of content is the vendor’s own, and of its server where it says nothing', () => {
  expect(toldError('{}').failure.reason).toBe('server_error');
  expect(toldError('{"error":{"type":"overloaded_error"}}').failure.reason).toBe('overloaded');
});
