import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { wire } from './index.ts';
import { MessageError, maxFields, readMessage } from './read-message.ts';

test('a message that its sender made is read as it was', () => {
  const task = create(wire.TaskSchema, { type: 'text_gen', input: new Uint8Array(1_000), needs: ['tools'] });
  const request = create(wire.RunRequestSchema, { client: 'acme', task });
  expect(readMessage(wire.RunRequestSchema, toBinary(wire.RunRequestSchema, request))).toEqual(request);
});

test.each([
  ['empty messages in a list', wire.RankedSetSchema, 2],
  ['empty messages one within the other’s list', wire.ApplyRequestSchema, 1],
  ['unknown fields', wire.TaskSchema, 300],
] as const)('a megabyte of %s is refused', (_, schema, number) => {
  const tag = number > 15 ? [((number & 15) << 3) | 0x82, number >> 4] : [(number << 3) | 2];
  const one = Uint8Array.of(...tag, 0);
  const bytes = new Uint8Array(1_024 * 1_024 - (1_048_576 % one.length));
  for (let at = 0; at < bytes.length; at += one.length) bytes.set(one, at);
  expect(() => readMessage(schema, bytes)).toThrow(/more than 20000 fields/);
});

test('the count holds over all depths together', () => {
  const set = create(wire.ApplyRequestSchema, {
    files: Array.from({ length: maxFields / 2 }, () => ({ path: 'a', text: 'b' })),
  });
  expect(() => readMessage(wire.ApplyRequestSchema, toBinary(wire.ApplyRequestSchema, set))).toThrow(MessageError);
});

test('what ends too early, or is no protobuf, is one kind of error', () => {
  for (const bytes of [
    [0x0a],
    [0x0a, 0x05, 0x61],
    [0xff],
    [0x0b],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  ])
    expect(() => readMessage(wire.RunRequestSchema, Uint8Array.from(bytes))).toThrow(MessageError);
});
