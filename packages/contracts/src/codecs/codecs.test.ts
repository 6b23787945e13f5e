import * as general from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { create, fromBinary, toBinary } from '../binary.ts';
import { codecs } from '../gen/codecs.ts';
import * as wire from '../messages.ts';
import { anyFields, anyMessage } from '../testing/any-message.ts';
import { codecsOf } from './generate.ts';

// What was generated is held against the library on messages drawn at random: every field of every kind of message.

const schemas = Object.values(wire).filter(
  (value): value is DescMessage & typeof wire.TaskSchema =>
    typeof value === 'object' && 'typeName' in value && 'members' in value && codecs.has(String(value.typeName)),
);

test('there is a codec for each message of a call', () => {
  expect(schemas.length).toBe(codecs.size);
  expect(schemas.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Task', 'CallRequest', 'CallEvent', 'CallEnded', 'End', 'Delta', 'Frame', 'CallRecord']),
  );
});

test.each(schemas.map((schema) => [schema.name, schema] as const))(
  '%s is written and read as the library does',
  (_, schema) => {
    fc.assert(
      fc.property(anyMessage(schema), (message) => {
        const bytes = general.toBinary(schema, message as never);
        const written = toBinary(schema, message as never);
        expect(Buffer.compare(Buffer.from(written), Buffer.from(bytes))).toBe(0);
        expect(fromBinary(schema, bytes)).toEqual(general.fromBinary(schema, bytes));
      }),
      { numRuns: 60 },
    );
  },
);

test.each(schemas.map((schema) => [schema.name, schema] as const))('%s is made as the library does', (_, schema) => {
  fc.assert(
    fc.property(anyFields(schema), (fields) => {
      const made = create(schema, fields);
      expect(made).toEqual(general.create(schema, fields));
      expect(create(schema, made)).toBe(made);
    }),
    { numRuns: 60 },
  );
  expect(create(schema)).toEqual(general.create(schema));
});

test('bytes that were changed on their way are read as a message, or refused', () => {
  const message = anyMessage(wire.CallRequestSchema).map((made) =>
    general.toBinary(wire.CallRequestSchema, made as never),
  );
  fc.assert(
    fc.property(message, fc.nat(), fc.nat({ max: 255 }), (bytes, at, byte) => {
      const broken = Uint8Array.from(bytes);
      if (broken.length > 0) broken[at % broken.length] = byte;
      let read: wire.CallRequest;
      try {
        read = fromBinary(wire.CallRequestSchema, broken);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        return;
      }
      // What was read is a message: it can be written, and read again as the same.
      const again = fromBinary(wire.CallRequestSchema, toBinary(wire.CallRequestSchema, read));
      expect(again).toEqual(read);
    }),
    { numRuns: 2_000 },
  );
});

test('fields of a newer release go on as they came', () => {
  const newer = Uint8Array.from([
    0x0a, 1, 0x61, 0xf8, 0x3f, 0x96, 1, 0xfa, 0x3f, 2, 7, 8, 0xf9, 0x3f, 1, 2, 3, 4, 5, 6, 7, 8,
  ]);
  const read = fromBinary(wire.CancelSchema, newer);
  expect(toBinary(wire.TaskSchema, fromBinary(wire.TaskSchema, newer))).toEqual(newer);
  expect(toBinary(wire.CancelSchema, read)).toEqual(newer);
});

test('a message that comes in two parts is put together', () => {
  const part = (facts: MessageInitShape<typeof wire.FactsSchema>): Uint8Array =>
    general.toBinary(wire.CallRequestSchema, create(wire.CallRequestSchema, { facts, earlierIds: ['a'] }));
  const both = Buffer.concat([part({ client: 'acme', needs: ['x'] }), part({ project: 'p', needs: ['y'] })]);
  expect(fromBinary(wire.CallRequestSchema, both)).toEqual(general.fromBinary(wire.CallRequestSchema, both));
});

test.each([
  ['a string', { taskId: 7 }],
  ['an unsigned integer', { maxOutputTokens: -1 }],
  ['an unsigned integer that is whole', { maxOutputTokens: 1.5 }],
  ['an integer of 64 bits', { deadlineUnixMs: 2n ** 63n }],
  ['bytes', { input: 'text' }],
])('what is not %s is refused, and the next message is whole', (_, wrong) => {
  const task = { ...create(wire.TaskSchema, { type: 'text_gen' }), ...wrong } as wire.Task;
  expect(() => toBinary(wire.TaskSchema, task)).toThrow(/cannot encode will.v1.Task/);
  const next = create(wire.TaskSchema, { taskId: 'next' });
  expect(fromBinary(wire.TaskSchema, toBinary(wire.TaskSchema, next))).toEqual(next);
});

test('a message of another kind is refused', () => {
  expect(() => toBinary(wire.TaskSchema, create(wire.EndSchema) as never)).toThrow(/will.v1.End/);
});

test('text that is no UTF-8 is refused', () => {
  for (const text of [[0xff], [0xc3, 0x28], Array.from({ length: 100 }, () => 0xff)])
    expect(() => fromBinary(wire.TaskSchema, Uint8Array.from([0x0a, text.length, ...text]))).toThrow(
      /not valid for encoding utf-8/,
    );
});

test('what was written stays as it is while more is written', () => {
  const task = (n: number): wire.Task =>
    create(wire.TaskSchema, { taskId: `task-${n}`, input: new Uint8Array((n * 7919) % 100_000).fill(n) });
  const written = Array.from({ length: 100 }, (_, n) => toBinary(wire.TaskSchema, task(n)));
  for (const [n, bytes] of written.entries()) expect(fromBinary(wire.TaskSchema, bytes).taskId).toBe(`task-${n}`);
});

test('a message that may hold itself is told to the user of the generator', () => {
  expect(() => codecsOf([FileDescriptorProtoSchema])).toThrow(/DescriptorProto holds itself/);
});
