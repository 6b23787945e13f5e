import { expect, test } from 'vitest';
import { readProviderError } from './provider-error.ts';

const readJson = (body: unknown) => readProviderError(JSON.stringify(body));
const nothing = { codes: [], message: '', code: undefined, param: undefined, paramFrom: undefined };

test.each([
  null,
  7,
  true,
  [],
  {},
  { code: 5, type: null, message: null, error: { param: 3, loc: 'x', field: 1, msg: 2 } },
])('a body of %j tells nothing', (body) => {
  expect(readJson(body)).toEqual(nothing);
});

test('codes come from the most to the least exact, in one form; the first that looks like one is told as it was', () => {
  const codes = { type: 'D-d', reason: 'C', status: 'B', code: 'some words' };
  expect(readJson(codes)).toEqual({ ...nothing, codes: ['some words', 'b', 'c', 'd_d'], code: 'B' });
  expect(readJson({ code: 'error', status: '', type: 'errors' })).toMatchObject({ codes: ['errors'], code: 'errors' });
  expect(readJson({ code: 'x'.repeat(150) })).toMatchObject({ codes: ['x'.repeat(100)], code: undefined });
  expect([readJson({ code: 'x'.repeat(64) }).code, readJson({ code: 'x'.repeat(65) }).code]).toEqual([
    'x'.repeat(64),
    undefined,
  ]);
  for (const code of ['a b', 'a/b', 'é']) expect([code, readJson({ code }).code]).toEqual([code, undefined]);
  expect(readJson({ code: 'A.b-c_9' }).code).toBe('A.b-c_9');
});

test.each([
  ['error', { message: 'm' }],
  ['response', 'm'],
  ['data', 'm'],
  ['message', 'm'],
  ['detail', [{ msg: 'm' }]],
  ['innererror', { message: 'm' }],
  ['details', [{ message: 'm' }]],
  ['fieldViolations', [{ detail: 'm' }]],
  ['metadata', { raw: 'm' }],
])('a message is read from %s', (field, value) => {
  expect(readJson({ [field]: value })).toEqual({ ...nothing, message: 'm' });
});

test('messages stand one below another, and no more is read than there is to search', () => {
  expect(readJson({ msg: 'a', error: 'b', message: { detail: 'c' } }).message).toBe('a\nb\nc');
  expect(readJson({ message: 'x'.repeat(3_000) }).message).toHaveLength(2_000);
  expect(readJson({ input: 'secret', choices: ['secret'] })).toEqual(nothing);
});

test('of a list the first four are read, and what lies deeper than six is not', () => {
  expect(readJson(['a', 'b', 'c', 'd', 'e']).message).toBe('a\nb\nc\nd');
  const nested = (depth: number): unknown => (depth === 0 ? 'm' : { error: nested(depth - 1) });
  expect([readJson(nested(6)).message, readJson(nested(7)).message]).toEqual(['m', '']);
  const lists = (depth: number): unknown => (depth === 0 ? 'm' : [lists(depth - 1)]);
  expect([readJson(lists(6)).message, readJson(lists(7)).message]).toEqual(['m', '']);
  const raw = (depth: number): string => (depth === 0 ? 'm' : JSON.stringify({ metadata: { raw: raw(depth - 1) } }));
  expect([readProviderError(raw(6)).message, readProviderError(raw(7)).message]).toEqual(['m', '']);
});

test.each<[string, unknown, string | undefined]>([
  ['a parameter', { param: 'top_p' }, 'top_p'],
  ['a place in the body', { loc: ['body', 'messages', 0, 'role'] }, 'messages.0.role'],
  ['a field', { field: 'contents[0].parts' }, 'contents[0].parts'],
  ['a parameter that looks like one, of several', [{ param: 'two words' }, { param: 'b' }], 'b'],
  ['prose', { param: 'two words' }, undefined],
  ['nothing', { param: '' }, undefined],
  ['what is too long', { param: 'x'.repeat(65) }, undefined],
  ['what is just short enough', { param: 'x'.repeat(64) }, 'x'.repeat(64)],
])('a field is named as %s', (_what, body, param) => {
  expect(readJson(body)).toMatchObject({ param, paramFrom: param && 'field' });
});

test.each<[string, string | undefined]>([
  ['temperature: too warm', 'temperature'],
  ['messages.1.content: no', 'messages.1.content'],
  ['* GenerateContentRequest.contents[0].parts: empty', 'contents[0].parts'],
  ['* GenerateContentRequest.contents[1234567].parts: empty', undefined],
  ['tools.0.input_schema.properties.patient: no', 'tools.0.input_schema'],
  ['messages.0.args.name: no', 'messages.0.args'],
  ['temperature : too warm', 'temperature'],
  ['temperature:too warm', undefined],
  ['The temperature: too warm', undefined],
  ['stop: too many', undefined],
  [`messages.${'x'.repeat(41)}: no`, undefined],
  [`messages.${'x'.repeat(40)}.${'y'.repeat(15)}: no`, undefined],
])('the field at the beginning of "%s" is %s', (message, param) => {
  expect(readJson({ message })).toMatchObject({ param, paramFrom: param && 'text' });
});

test('a field of its own counts before one in the text, and the first text that names one', () => {
  expect(readJson({ message: 'temperature: no', param: 'seed' })).toMatchObject({ param: 'seed', paramFrom: 'field' });
  expect(readJson({ error: 'prose', message: ['top_k: no', 'top_p: no'] })).toMatchObject({
    param: 'top_k',
    paramFrom: 'text',
  });
});

test('why input was flagged is a code of its own; without reasons it is none', () => {
  const flagged = (metadata: unknown) => readJson({ metadata }).codes;
  expect([
    flagged({ reasons: ['x'] }),
    flagged({ reasons: [] }),
    flagged({ reasons: 'x' }),
    flagged(null),
    flagged('x'),
  ]).toEqual([['content_filter'], [], [], [], []]);
});

test('a body that was cut off is read for codes and its message; prose is the message, and a cut object is none', () => {
  const cut = '{"error":{"code":"rate_limit_exceeded","type" : "x-y","status":"","message":"slow \\"down';
  expect(readProviderError(cut)).toEqual({
    ...nothing,
    codes: ['rate_limit_exceeded', 'x_y'],
    code: 'rate_limit_exceeded',
    message: 'slow \\"down',
  });
  expect(readProviderError(' {"input":"secret').message).toBe('');
  expect(readProviderError('bad gateway')).toEqual({ ...nothing, message: 'bad gateway' });
  expect(readProviderError('x'.repeat(3_000)).message).toHaveLength(2_000);
  expect(readProviderError(`{"message":"${'x'.repeat(1_500)}`).message).toHaveLength(1_000);
  expect(readProviderError(`{"a":"${'x'.repeat(2_000)}","code":"late"`).codes).toEqual([]);
  expect(readProviderError('{"reason":"a","code":"b').codes).toEqual(['a']);
  expect(readProviderError(`{"code":"${'x'.repeat(65)}",`).codes).toEqual([]);
});
