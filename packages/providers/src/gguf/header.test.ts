import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyGguf } from '@will/testkit';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { ProviderConfigError } from '../port.ts';
import { describeGguf } from './describe-file.ts';
import { estimateMemory } from './estimate.ts';
import { type GgufHeader, parseGgufHeader } from './header.ts';
import { HeaderProblem } from './header-cursor.ts';

const folder = await mkdtemp(join(tmpdir(), 'will-header-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const whole = tinyGguf();
const headerBytes = whole.length - (parse(whole) as GgufHeader).tensorBytes;

test('a header tells what the model is', async () => {
  const path = join(folder, 'whole.gguf');
  await writeFile(path, whole);
  expect(await describeGguf(path)).toEqual({
    name: 'tiny-random-llama',
    architecture: 'llama',
    parameters: 131_904,
    quantisation: 'F32',
    contextTokens: 2_048,
    weightBytes: 527_616,
    // 2 layers × 2 heads × (16 + 16) wide × 2 bytes
    keyValueBytesPerToken: 256,
    vocabulary: 452,
    width: 64,
    isEmbedding: false,
    hasChatTemplate: true,
  });
});

test('memory is the weights, the context of all sequences, the buffers and the process', async () => {
  const model = { ...(await describeGguf(join(folder, 'whole.gguf'))), vocabulary: 128_000, width: 4_096 };
  const { total, ...parts } = estimateMemory(model, 2_048, 2);
  expect(parts).toEqual({
    weights: 527_616,
    context: 256 * 4_096,
    buffers: 512 * (128_000 + 4 * 4_096) * 4,
    process: 128 * 1024 * 1024,
  });
  expect(total).toBe(Object.values(parts).reduce((sum, part) => sum + part, 0));
});

test('the first bytes are enough or more are asked for, never beyond the file', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: headerBytes }), (length) => {
      const read = parseGgufHeader(whole.subarray(0, length), whole.length);
      expect(read === 'more' || read.tensors === 21).toBe(true);
    }),
  );
});

test('a file cut anywhere has a clear problem', () => {
  for (let length = 0; length < whole.length; length += length < headerBytes ? 1 : 997)
    expect(problemOf(whole.subarray(0, length)), `${length} bytes`).toMatch(/^(is no GGUF|is cut short)/);
});

test('a header with any bytes changed is read or has a clear problem, in no time and within the file', () => {
  const change = fc.record({
    at: fc.integer({ min: 0, max: headerBytes - 8 }),
    with: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      fc.constant(new Uint8Array(8).fill(0xff)),
      fc.constant(new Uint8Array(8)),
    ),
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const { at, with: replacement } of changes) bytes.set(replacement, at);
      const problem = problemOf(bytes);
      if (problem !== '') refused += 1;
    }),
    { numRuns: Number(process.env['WILL_FUZZ_RUNS'] ?? 500) },
  );
  expect(refused).toBeGreaterThan(0);
});

test('bytes of chance after the magic are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 4_000 }), (noise) => {
      const bytes = Buffer.concat([Buffer.from('GGUF\u0003\0\0\0'), noise]);
      expect(problemOf(bytes)).toMatch(/^is /);
    }),
  );
});

const u32 = (value: number): Buffer => Buffer.from(new Uint32Array([value]).buffer);
const u64 = (value: bigint): Buffer => Buffer.from(new BigUint64Array([value]).buffer);
const text = (value: string): Buffer => Buffer.concat([u64(BigInt(value.length)), Buffer.from(value)]);
const file = (tensors: bigint, fields: bigint, ...rest: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(fields), ...rest, Buffer.alloc(256)]);
const nested = (depth: number): Buffer[] => Array.from({ length: depth }, () => [u32(9), u64(1n)]).flat();

test.each([
  ['counts beyond the file', file(1n << 60n, 1n), /beyond all sizes/],
  ['more fields than it can hold', file(0n, 900_000n), /promises 900000 fields/],
  [
    'a text longer than the file',
    file(0n, 1n, text('a'), u32(8), u64(1n << 40n)),
    /a text is 1099511627776 bytes long/,
  ],
  [
    'a list longer than the file',
    file(0n, 1n, text('a'), u32(9), u32(4), u64(1n << 50n)),
    /a list goes beyond its end/,
  ],
  ['lists in lists without end', file(0n, 1n, text('a'), u32(9), ...nested(40)), /too deep/],
  ['a kind that does not exist', file(0n, 1n, text('a'), u32(77)), /kind 77/],
  ['the same field twice', file(0n, 2n, text('a'), u32(4), u32(1), text('a'), u32(4), u32(1)), /stands in it twice/],
  ['an alignment of 0', file(0n, 1n, text('general.alignment'), u32(4), u32(0)), /alignment must be a power of 2/],
  [
    'sizes whose product overflows',
    file(1n, 0n, text('t'), u32(4), ...Array.from({ length: 4 }, () => u64(1n << 52n)), u32(0), u64(0n)),
    /larger than the file/,
  ],
  ['a tensor beyond the end', file(1n, 0n, text('t'), u32(1), u64(8n), u32(0), u64(1n << 32n)), /is cut short/],
  ['a tensor in between', file(1n, 0n, text('t'), u32(1), u64(8n), u32(0), u64(7n)), /does not begin where/],
  ['too many dimensions', file(1n, 0n, text('t'), u32(9)), /9 dimensions/],
])('a hostile header with %s is refused', (_what, bytes, message) => {
  expect(problemOf(bytes)).toMatch(message);
});

test('a header without an end is given up after a bounded part of the file', async () => {
  const path = join(folder, 'endless.gguf');
  // A list of a billion empty texts, in a file that is all zeroes from there and takes no room on the disk.
  await writeFile(path, file(0n, 1n, text('a'), u32(9), u32(8), u64(1_000_000_000n)));
  await truncate(path, 16 * 1024 ** 3);
  await expect(describeGguf(path)).rejects.toThrow('its header has no end');
});

test('a part of a split model asks for the first one, and a missing part is named', async () => {
  const split = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(0n),
    u64(2n),
    text('general.architecture'),
    u32(8),
    text('llama'),
    text('split.count'),
    u32(4),
    u32(2),
    Buffer.alloc(64),
  ]);
  await writeFile(join(folder, 'other.gguf'), split);
  await expect(describeGguf(join(folder, 'other.gguf'))).rejects.toThrow('which ends in -00001-of-00002.gguf');
  await writeFile(join(folder, 'm-00001-of-00002.gguf'), split);
  const describing = describeGguf(join(folder, 'm-00001-of-00002.gguf'));
  await expect(describing).rejects.toThrow(ProviderConfigError);
  await expect(describing).rejects.toThrow('file m-00002-of-00002.gguf is not there');
  await writeFile(join(folder, 'm-00002-of-00002.gguf'), whole);
  expect((await describeGguf(join(folder, 'm-00001-of-00002.gguf'))).weightBytes).toBe(527_616);
});

function parse(bytes: Uint8Array): GgufHeader | 'more' {
  return parseGgufHeader(bytes, bytes.length);
}

/** '' when it can be read. Anything but a {@link HeaderProblem} fails the test. */
function problemOf(bytes: Uint8Array): string {
  try {
    // All bytes are at hand, so that asking for more would be reading beyond the file.
    expect(parse(bytes)).not.toBe('more');
    return '';
  } catch (error) {
    if (error instanceof HeaderProblem) return error.message;
    throw error;
  }
}
