import { create, type DescField, type DescMessage, ScalarType, toBinary } from '@bufbuild/protobuf';
import { hostHeaders, texts } from './payloads.ts';

// What is sent to everything that speaks protobuf: every field of its message, with everything that may hurt.

export interface WirePayload {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly metadata?: Readonly<Record<string, string>>;
  /** It names the other client where a client's name stands. */
  readonly namesAnother: boolean;
}

export interface Targets {
  readonly canaryUrl: string;
  readonly otherClient: string;
  /** Ids of what is the other client's: tasks, decisions, attempts. */
  readonly others: readonly string[];
}

type Plain = { [name: string]: unknown };
interface Place {
  readonly path: readonly DescField[];
  readonly name: string;
}

const deepest = 3;
/** Each field takes one of so many texts in a usual run; `WILL_ATTACKS=all` sends each to each. */
const textsShared = process.env['WILL_ATTACKS'] === 'all' ? 1 : 4;
const numbers = [-1, 0x7fff_ffff, -0x8000_0000];

/** Everything that is tried on a message; `right` is one that is done when nothing hurts. */
export function wirePayloads(schema: DescMessage, right: Plain, targets: Targets): readonly WirePayload[] {
  const { canaryUrl, otherClient, others } = targets;
  const laid = (what: string, place: Place, value: unknown, namesAnother = false): WirePayload => ({
    what: `${place.name}: ${what}`,
    bytes: bytesOf(schema, overlaid(right, place.path, value)),
    namesAnother,
  });
  const places = placesIn(schema, [], deepest);
  const written = places.flatMap((place, n) => {
    const field = place.path.at(-1) as DescField;
    if (!isText(field)) return isNumber(field) ? numbers.map((value) => laid(`${value}`, place, value)) : [];
    const isClient = place.name.endsWith('client');
    return [
      laid('a host', place, canaryUrl),
      laid('another client', place, otherClient, isClient),
      ...others.map((id) => laid('what is another’s', place, id)),
      ...texts.flatMap((text, at) =>
        (n + at) % textsShared === 0 ? [laid(`text ${at}`, place, text.toWellFormed())] : [],
      ),
    ];
  });
  const whole = (what: string, bytes: Uint8Array, metadata?: Record<string, string>): WirePayload => ({
    what,
    bytes,
    namesAnother: false,
    ...(metadata && { metadata }),
  });
  const usual = bytesOf(schema, right);
  return [
    whole('what is right', usual),
    ...written,
    ...brokenMessages.map(([what, bytes]) => whole(what, bytes)),
  ].concat(
    hostHeaders.map((name) => whole(`${name} names a host`, usual, { [name]: canaryUrl })),
    whole('another client by metadata', usual, { 'x-will-client': otherClient }),
    whole('a role by metadata', usual, { 'x-will-role': 'operator', 'x-role': 'operator' }),
  );
}

/** No message of anybody: they are sent to every mouth. */
export const brokenMessages: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['text', Buffer.from('{"model":"text_gen"}')],
  ['no UTF-8', Uint8Array.of(0x0a, 0x02, 0xff, 0xfe)],
  ['an end within a field', Uint8Array.of(0x0a, 0x7f, 0x01)],
  ['a length of 4 GiB', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
  ['a group', Uint8Array.of(0x0b, 0x0c)],
  ['unknown fields', Buffer.from('f8ff7f01'.repeat(1_000), 'hex')],
  ['depth', nested(2_000)],
  ...[1, 2, 5].map((field) => [`a megabyte of empty fields ${field}`, empties(field)] as const),
];

function nested(levels: number): Uint8Array {
  let inner: Buffer = Buffer.alloc(0);
  for (let level = 0; level < levels; level += 1) {
    const length = inner.length < 128 ? [inner.length] : [(inner.length & 0x7f) | 0x80, inner.length >> 7];
    if (inner.length > 16_000) break;
    inner = Buffer.concat([Buffer.from([0x0a, ...length]), inner]);
  }
  return inner;
}

/** As many empty messages as a megabyte holds, in one field. */
export function empties(field: number, bytes = 1_000_000): Uint8Array {
  const tag = (field << 3) | 2;
  const unit = tag < 128 ? [tag, 0] : [(tag & 0x7f) | 0x80, tag >> 7, 0];
  return Buffer.alloc(bytes - (bytes % unit.length), Buffer.from(unit));
}

/** All fields at any depth down to a bound, messages themselves left out. */
function placesIn(schema: DescMessage, above: readonly DescField[], depth: number): Place[] {
  return schema.fields.flatMap((field) => {
    const path = [...above, field];
    const inner = innerOf(field);
    if (inner) return depth === 0 ? [] : placesIn(inner, path, depth - 1);
    return [{ path, name: path.map(({ localName }) => localName).join('.') }];
  });
}

const innerOf = (field: DescField): DescMessage | undefined =>
  field.fieldKind === 'message' || field.fieldKind === 'list' ? field.message : undefined;
const isText = (field: DescField): boolean =>
  (field.fieldKind === 'scalar' || field.fieldKind === 'list') &&
  (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES);
const isNumber = (field: DescField): boolean =>
  field.fieldKind === 'enum' || (field.fieldKind === 'scalar' && field.scalar !== ScalarType.BOOL);

/** A copy with one field set, and the messages around it made where they are not there. */
function overlaid(around: Plain, [field, ...further]: readonly DescField[], value: unknown): Plain {
  if (!field) return around;
  const oneof = field.oneof;
  const there = oneof ? (around[oneof.localName] as Plain | undefined)?.['value'] : around[field.localName];
  const inner = further.length > 0 ? overlaid(plainIn(there), further, value) : valueFor(field, value);
  const set = field.fieldKind === 'list' ? [inner] : inner;
  return oneof
    ? { ...around, [oneof.localName]: { case: field.localName, value: set } }
    : { ...around, [field.localName]: set };
}

const plainIn = (there: unknown): Plain => ({ ...((Array.isArray(there) ? there[0] : there) as Plain | undefined) });

function valueFor(field: DescField, value: unknown): unknown {
  const scalar = field.fieldKind === 'scalar' || field.fieldKind === 'list' ? field.scalar : undefined;
  if (scalar === ScalarType.BYTES) return Buffer.from(String(value));
  if (typeof value === 'string') return value;
  const number = Number(value);
  if (scalar === ScalarType.INT64 || scalar === ScalarType.SINT64) return BigInt(number) * 0x1_0000_0000n;
  if (scalar === ScalarType.UINT64 || scalar === ScalarType.FIXED64) return BigInt(Math.abs(number)) * 0x1_0000_0000n;
  if (scalar === ScalarType.UINT32 || scalar === ScalarType.FIXED32) return Math.abs(number) * 2 - 1;
  return number;
}

const bytesOf = (schema: DescMessage, plain: Plain): Uint8Array => toBinary(schema, create(schema, plain));
