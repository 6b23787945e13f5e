import { create } from '@bufbuild/protobuf';
import { PayloadError } from '@will/bus';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import { wholeInput, withField } from './whole-input.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const parsed = (json: Uint8Array | string): unknown =>
  typeof json === 'string' ? json : JSON.parse(Buffer.from(json).toString());
const never = new AbortController().signal;

test('a field becomes part of the input as base64, whatever else stands there', () => {
  const content = Uint8Array.from({ length: 1_000 }, (_, at) => at % 256);
  const audio = Buffer.from(content).toString('base64');
  expect(parsed(withField(bytes('{"file_name":"a"}'), 'audio', content))).toEqual({ audio, file_name: 'a' });
  expect(parsed(withField(bytes('{}'), 'audio', content))).toEqual({ audio });
});

test.each([
  ['[1]', 'is no JSON object'],
  ['{', 'is no JSON object'],
  ['{"audio":"x"}', 'the input has audio beside'],
])('beside %s there is no place for it', (json, why) => {
  expect(withField(bytes(json), 'audio', bytes('x'))).toContain(why);
});

test('a payload is the whole input, or why it is not to be had', async () => {
  const payload = create(wire.PayloadRefSchema, { object: 'acme.1' });
  const had = { get: () => Promise.resolve(bytes('whole')) };
  expect(await wholeInput({ input: bytes(''), payload }, had, never, false)).toEqual({ input: bytes('whole') });
  const gone = { get: () => Promise.reject(new PayloadError('gone', 'not there any more')) };
  expect(await wholeInput({ input: bytes(''), payload }, gone, never, false)).toBe('not there any more');
});

test('a field goes as it is to what takes it so, and else in base64 up to a size', async () => {
  const input = bytes('{"file_name":"a"}');
  const payload = create(wire.PayloadRefSchema, { object: 'acme.1', field: 'audio', bytes: 5n });
  const had = { get: () => Promise.resolve(bytes('sound')) };
  const attachment = { field: 'audio', content: bytes('sound') };
  expect(await wholeInput({ input, payload }, had, never, true)).toEqual({ input, attachment });
  const inJson = await wholeInput({ input, payload }, had, never, false);
  expect(typeof inJson === 'string' ? inJson : parsed(inJson.input)).toMatchObject({ file_name: 'a' });
  const large = { ...payload, bytes: 17n * 1024n * 1024n };
  expect(await wholeInput({ input, payload: large }, had, never, false)).toContain('at most 16777216 bytes');
});
