import * as general from '@bufbuild/protobuf';
import { create, type DescField, type DescMessage, type MessageInitShape, ScalarType } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBinary, toBinary } from '../binary.ts';
import { codecs } from '../gen/codecs.ts';
import * as wire from '../messages.ts';
import { codecsOf } from './generate.ts';

// What was generated is held against the library on messages drawn at random: every field of every kind of message.

const schemas = Object.values(wire).filter(
  (value): value is DescMessage & typeof wire.TaskSchema =>
    typeof value === 'object' && 'typeName' in value && 'members' in value && codecs.has(String(value.typeName)),
);

const text = fc.oneof(
  fc.string({ maxLength: 50 }),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.string({ unit: 'grapheme', minLength: 30, maxLength: 200 }),
  fc.constantFrom('\ufeffx', '\0', '\ud800', 'a'.repeat(39), 'a'.repeat(40), 'a'.repeat(41), 'é'.repeat(64)),
);
const unsigned = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat().map(BigInt), powersOf(64n, false));
const signed = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.nat().map(BigInt),
  powersOf(63n, true),
);
const scalars: Partial<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  [ScalarType.STRING]: text,
  [ScalarType.BYTES]: fc.uint8Array({ maxLength: 300 }),
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.UINT32]: fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(0x7f, 0x80, 0x3fff, 0x4000, 0xffff_ffff)),
  [ScalarType.INT64]: signed,
  [ScalarType.UINT64]: unsigned,
  [ScalarType.DOUBLE]: fc.double(),
};

/** Both sides of where a number takes a byte more. */
function powersOf(bits: bigint, isSigned: boolean): fc.Arbitrary<bigint> {
  return fc
    .tuple(fc.bigInt({ min: 1n, max: bits - 1n }), fc.constantFrom(-1n, 0n), fc.constantFrom(1n, isSigned ? -1n : 1n))
    .map(([bit, beside, sign]) => sign * (2n ** bit + beside));
}

function valueOf(field: DescField): fc.Arbitrary<unknown> {
  const one = field.message
    ? messageOf(field.message)
    : field.enum
      ? fc.oneof(fc.constantFrom(...field.enum.values.map(({ number }) => number)), fc.integer())
      : (scalars[field.scalar as ScalarType] as fc.Arbitrary<unknown>);
  return field.fieldKind === 'list' ? fc.array(one, { maxLength: 3 }) : one;
}

function messageOf(schema: DescMessage): fc.Arbitrary<MessageInitShape<DescMessage>> {
  const plain = schema.members.flatMap((member) =>
    member.kind === 'oneof'
      ? [[member.localName, fc.oneof(...member.fields.map((field) => caseOf(field)))] as const]
      : [[member.localName, valueOf(member)] as const],
  );
  return fc
    .record(Object.fromEntries(plain), { requiredKeys: [] })
    .map((init) => create(schema, init as MessageInitShape<DescMessage>));
}

const caseOf = (field: DescField): fc.Arbitrary<unknown> =>
  valueOf(field).map((value) => ({ case: field.localName, value }));

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
      fc.property(messageOf(schema), (message) => {
        const bytes = general.toBinary(schema, message as never);
        const written = toBinary(schema, message as never);
        expect(Buffer.compare(Buffer.from(written), Buffer.from(bytes))).toBe(0);
        expect(fromBinary(schema, bytes)).toEqual(general.fromBinary(schema, bytes));
      }),
      { numRuns: 60 },
    );
  },
);

test('bytes that were changed on their way are read as a message, or refused', () => {
  const message = messageOf(wire.CallRequestSchema).map((made) =>
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
