import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocuments, subjects, wire } from '@will/contracts';
import { writeTinyGguf } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { speedOf } from './actions/add-model.ts';
import { runCli } from './program.ts';
import { CliOnBus } from './testing/cli-on-bus.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-add-'));
  await writeTinyGguf(join(folder, 'tiny.gguf'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function add(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal();
  const code = await runCli(['models', 'add', ...args], terminal);
  return { code, out: terminal.stdout(), err: terminal.stderr() };
}

test('a model file becomes a record, with what it says, what it takes and how fast it is here', async () => {
  const path = join(folder, 'tiny.gguf');
  const { code, out, err } = await add(path, '--name', 'Tiny', '--concurrency', '2', '--device', 'cpu', '--dry-run');
  expect(code).toBe(0);
  expect(err).toMatch(/tiny-random-llama: llama, 0 M parameters, F32, trained for 2048 tokens\n/);
  expect(err).toMatch(
    /memory with 2048 tokens of context: it needs 194 MiB \(weights 1, context 1, buffers 64, process 128\), and models may take \d+ MiB here\n/,
  );
  const speed = Number(/speed: ([\d.]+) tokens a second \([\d.]+ to [\d.]+ in 3 runs\)/.exec(err)?.[1]);
  expect(speed).toBeGreaterThan(0);
  // On a busy machine it is told and not written.
  const isStated = !err.includes('the record states no speed');
  const { documents, problems } = parseDocuments('out.yaml', out);
  expect(problems).toEqual([]);
  expect(documents[0]?.document).toMatchObject({
    kind: 'model',
    body: {
      name: 'Tiny',
      version: 'F32',
      tags: ['text_gen'],
      call_method: 'on-device',
      provider: 'gguf',
      context_tokens: 2_048,
      limits: { concurrency: 2 },
      local: { path, device: 'cpu', memory_mb: 194, ...(isStated && { profile: { tokens_per_second: speed } }) },
    },
  });
});

test('the speed is the median of its runs; a busy machine and runs that differ are told, and no speed is stated', () => {
  const runs = (...speeds: number[]) =>
    speeds.map((tokensPerSecond) => ({ tokensPerSecond, firstContentMs: 40, outputTokens: 64 }));
  expect(speedOf(runs(100, 96, 104), 0.5, 4)).toEqual({
    words: '100 tokens a second (96 to 104 in 3 runs), the first after 40 ms',
    speed: { tokensPerSecond: 100, firstContentMs: 40, outputTokens: 64 },
  });
  expect(speedOf(runs(100, 50, 104), 0.5, 4)).toMatchObject({
    words: expect.stringContaining('(50 to 104 in 3 runs), the first after 40 ms; the runs differ too much'),
    speed: undefined,
  });
  expect(speedOf(runs(100, 96, 104), 9, 4)).toMatchObject({
    words: expect.stringContaining('the load of this machine is 9.0 on 4 cores, so the record states no speed'),
    speed: undefined,
  });
  expect(speedOf([], 0, 4)).toEqual({ words: 'it gave no answer that could be measured', speed: undefined });
});

test('without a dry run the record is applied', async () => {
  const cli = await CliOnBus.start();
  try {
    const asked = cli.serve(subjects.registry('apply'), wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => ({
      revision: 8n,
      changes: [{ kind: 'model', slug: 'tiny', action: 'created' }],
    }));
    const { code, out } = await cli.willm('models', 'add', join(folder, 'tiny.gguf'), '--name', 'Tiny', '--no-measure');
    expect(code).toBe(0);
    expect(out).toMatch(/model +tiny +created\n1 change, revision 8\n$/);
    const [file] = asked[0]?.files ?? [];
    expect(parseDocuments('model.yaml', file?.text ?? '').documents[0]?.document).toMatchObject({
      kind: 'model',
      body: { name: 'Tiny', provider: 'gguf', local: { memory_mb: 194 } },
    });
  } finally {
    await cli.cleanUp();
    await cli.stop();
  }
});

test('what may be shown to it stays for its operator to say', async () => {
  const { out } = await add(join(folder, 'tiny.gguf'), '--no-measure', '--dry-run', '--json');
  const record = JSON.parse(out) as Record<string, unknown>;
  for (const field of ['allowed_tasks', 'security_level', 'compliance', 'data_residency'])
    expect(record[field]).toBeUndefined();
});

test('what does not fit is told with the numbers, before anything is loaded', async () => {
  const header = Buffer.concat([
    Buffer.from('GGUF\u0003\0\0\0'),
    Buffer.from(new BigUint64Array([0n, 7n]).buffer),
    text('general.architecture'),
    u32(8),
    text('llama'),
    ...Object.entries({
      'llama.context_length': 1_000_000,
      'llama.embedding_length': 8_192,
      'llama.block_count': 80,
      'llama.attention.head_count': 64,
      'llama.attention.head_count_kv': 8,
      'llama.vocab_size': 128_000,
    }).flatMap(([name, value]) => [text(name), u32(4), u32(value)]),
    Buffer.alloc(64),
  ]);
  const path = join(folder, 'long.gguf');
  await writeFile(path, header);
  const { code, out, err } = await add(path, '--context', '1000000', '--dry-run');
  expect([code, out]).toEqual([1, '']);
  // 80 layers × 8 heads × 256 wide × 2 bytes × a million tokens
  expect(err).toMatch(
    /it does not fit this machine: it needs \d+ MiB \(weights 0, context 312500, buffers \d+, process 128\).*a smaller --context takes less/,
  );
});

test('a file that is no model is said to be none', async () => {
  const path = join(folder, 'other.gguf');
  await writeFile(path, 'hello, I am no model at all');
  expect(await add(path, '--dry-run')).toMatchObject({ code: 1, out: '', err: `willm: file ${path} is no GGUF\n` });
  expect(await add('no-such-thing')).toMatchObject({ code: 2 });
});

const u32 = (value: number): Buffer => Buffer.from(new Uint32Array([value]).buffer);
const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from(new BigUint64Array([BigInt(value.length)]).buffer), Buffer.from(value)]);
