import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';
import fc from 'fast-check';

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
    ? fc.oneof(anyFields(field.message), anyMessage(field.message))
    : field.enum
      ? fc.oneof(fc.constantFrom(...field.enum.values.map(({ number }) => number)), fc.integer())
      : (scalars[field.scalar as ScalarType] as fc.Arbitrary<unknown>);
  return field.fieldKind === 'list' ? fc.array(one, { maxLength: 3 }) : one;
}

/** For tests: fields of a message, of every value that they may have; any of them may be left out. */
export function anyFields<S extends DescMessage>(schema: S): fc.Arbitrary<MessageInitShape<S>> {
  const plain = schema.members.flatMap((member) =>
    member.kind === 'oneof'
      ? [[member.localName, fc.oneof(...member.fields.map((field) => caseOf(field)))] as const]
      : [[member.localName, valueOf(member)] as const],
  );
  return fc.record(Object.fromEntries(plain), { requiredKeys: [] }) as fc.Arbitrary<MessageInitShape<S>>;
}

/** For tests: messages of one kind with such fields. */
export const anyMessage = <S extends DescMessage>(schema: S): fc.Arbitrary<MessageShape<S>> =>
  anyFields(schema).map((fields) => create(schema, fields));

const caseOf = (field: DescField): fc.Arbitrary<unknown> =>
  valueOf(field).map((value) => ({ case: field.localName, value }));
