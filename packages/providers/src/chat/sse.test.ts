import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SseError, SseReader } from './sse.ts';

function read(...pieces: Uint8Array[]): string[] {
  const events: string[] = [];
  const reader = new SseReader((data) => events.push(data));
  for (const piece of pieces) reader.push(piece);
  return events;
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('events are the same wherever the pieces end, also within a character', () => {
  const text = bytes(
    ': comment\r\ndata: {"a":"é🙂"}\r\n\r\nevent: x\ndata:two\ndata: lines\n\nid: 1\n\ndata: [DONE]\n\n',
  );
  const whole = read(text);
  expect(whole).toEqual(['{"a":"é🙂"}', 'two\nlines', '[DONE]']);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      expect(read(...at.slice(1).map((end, n) => text.subarray(at[n], end)))).toEqual(whole);
    }),
  );
});

test.each([
  ['CR', '\r'],
  ['CRLF', '\r\n'],
  ['LF', '\n'],
])('lines end with %s, wherever the pieces end', (_name, end) => {
  const text = bytes(`\uFEFF: hello${end}data: one${end}${end}data:${end}${end}data:two${end}data:  lines${end}${end}`);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      expect(read(...at.slice(1).map((stop, n) => text.subarray(at[n], stop)))).toEqual(['one', 'two\n lines']);
    }),
  );
});

test('the last event counts without the empty line after it', () => {
  const events: string[] = [];
  const reader = new SseReader((data) => events.push(data));
  reader.push(bytes('data: one\n\ndata: [DONE]'));
  reader.end();
  expect(events).toEqual(['one', '[DONE]']);
});

test('a line without end is refused before it fills the memory', () => {
  const reader = new SseReader(() => {});
  expect(() => {
    for (let n = 0; n < 20; n += 1) reader.push(bytes('x'.repeat(100_000)));
  }).toThrow(SseError);
});

test('a line may be as long as a mebibyte, in whatever pieces it comes', () => {
  const mebibyte = 1_024 * 1_024;
  const data = 'x'.repeat(mebibyte - 'data:'.length);
  expect(read(bytes('data:'), bytes(data), bytes('\n\n'))).toEqual([data]);
  expect(() => read(bytes('data:'), bytes(`${data}x`))).toThrow(SseError);
  expect(() => read(bytes(`\n${'x'.repeat(mebibyte + 1)}`))).toThrow(`a line of more than ${mebibyte} characters`);
});

test('fields that are not data, and data that is blank, are passed over', () => {
  expect(read(bytes('event: x\nid: 1\ndatas: no\nretry: 5\n\ndata: \t \n\n: x\n\ndata:a\n\n'))).toEqual(['a']);
});

test('a CR between two pieces ends one line, and one alone ends one too', () => {
  expect(read(bytes('data:a\r'), bytes(''), bytes('\n\r'), bytes('\ndata:b\r\r'))).toEqual(['a', 'b']);
});
