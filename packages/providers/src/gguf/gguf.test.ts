import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vectorBytes, vectorOf } from '@will/core';
import { modelFor, tinyGguf } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callOf, chatInput, providerContract, reasonOf, runCall } from '../contract.ts';
import { MemoryBudget } from '../memory-budget.ts';
import { type ModelConnection, ProviderConfigError } from '../port.ts';
import { gguf } from './index.ts';

const folder = await mkdtemp(join(tmpdir(), 'will-gguf-'));
await writeFile(join(folder, 'tiny.gguf'), tinyGguf());
const provider = gguf({ dataDir: folder, threads: 1 });
const tiny = modelFor({
  provider: 'gguf',
  call_method: 'on-device',
  local: { path: 'tiny.gguf', device: 'cpu' },
  limits: { concurrency: 2 },
});
afterAll(() => rm(folder, { recursive: true, force: true }));

providerContract('gguf', () => ({
  open: () => provider.open(tiny),
  close: async () => {},
  keepsMaximum: true,
  // At this temperature the model talks on to its maximum.
  call: { input: chatInput({ temperature: 0 }) },
}));

let connection: ModelConnection;
beforeAll(async () => {
  connection = await provider.open(tiny);
});
afterAll(() => connection.close());

test('a JSON schema is kept, even by random weights', async () => {
  const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
  const input = chatInput({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
  const { outcome, text } = await runCall(connection, callOf({ input, maxOutputTokens: 60 }));
  expect(outcome.ok).toBe(true);
  expect(JSON.parse(text)).toEqual({ ok: expect.any(Boolean) });
});

test('the same seed gives the same text', async () => {
  const input = chatInput({ seed: 7, temperature: 0.8 });
  const [one, two] = [await runCall(connection, callOf({ input })), await runCall(connection, callOf({ input }))];
  expect(one.text).toBe(two.text);
});

test('an input beyond the context is refused as such', async () => {
  const input = chatInput({ messages: [{ role: 'user', content: 'word '.repeat(5_000) }] });
  expect(reasonOf(await runCall(connection, callOf({ input })))).toBe('context_length');
});

test('a system message and earlier answers are part of the conversation', async () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'One?' },
    { role: 'assistant', content: 'Two.' },
    { role: 'user', content: [{ type: 'text', text: 'Three?' }] },
  ];
  const long = await runCall(connection, callOf({ input: chatInput({ messages }) }));
  const short = await runCall(connection, callOf({ input: chatInput({ messages: messages.slice(-1) }) }));
  expect(long.outcome.ok && short.outcome.ok && long.outcome.usage.inputTokens > short.outcome.usage.inputTokens).toBe(
    true,
  );
});

test('what follows in a conversation is computed where its beginning is kept, and not again', async () => {
  // Two lanes: between the two calls of each conversation stands the other one.
  const say = async (messages: readonly object[]) => {
    const { outcome, text } = await runCall(connection, callOf({ input: chatInput({ messages }), maxOutputTokens: 6 }));
    if (!outcome.ok) throw new Error(outcome.failure.message);
    return { text, ...outcome.usage };
  };
  const timesOpened = ['the word of his hand', 'you can each have some'].map((start) => ({
    role: 'user',
    content: `${start} `.repeat(60),
  }));
  const first = [];
  for (const opening of timesOpened) first.push(await say([opening]));
  for (const [n, opening] of timesOpened.entries()) {
    const more = [opening, { role: 'assistant', content: first[n]?.text }, { role: 'user', content: 'and then' }];
    const { inputTokens, cachedInputTokens } = await say(more);
    expect(cachedInputTokens).toBeGreaterThan((first[n]?.inputTokens ?? Infinity) * 0.8);
    expect(cachedInputTokens).toBeLessThan(inputTokens);
  }
});

/** At this temperature the model talks on to the end of its context. */
const endless = callOf({ input: chatInput({ temperature: 0 }), maxOutputTokens: 1_900 });

test('a process killed within an answer is a failure, and the next call works', async () => {
  const { own, kill } = await openWithProcess();
  try {
    const killed = await own.run(endless, kill, new AbortController().signal);
    expect(killed).toMatchObject({ ok: false, failure: { reason: 'crashed', status: 'ProviderError' } });
    expect((await runCall(own, callOf())).outcome.ok).toBe(true);
  } finally {
    await own.close();
  }
});

test('a call that is aborted while the model is started again does not wait for it', async () => {
  const { own, kill } = await openWithProcess();
  try {
    await own.run(endless, kill, new AbortController().signal);
    const abort = new AbortController();
    const waiting = own.run(callOf(), () => {}, abort.signal);
    abort.abort('deadline');
    expect(await waiting).toMatchObject({ ok: false, failure: { reason: 'deadline' } });
  } finally {
    await own.close();
  }
});

test('texts become vectors, the same for the same text', async () => {
  const open = await provider.open(
    modelFor({ ...tiny.document, modalities: { input: ['text'], output: ['embedding'] }, tags: ['embedding'] }),
  );
  try {
    const embed = (input: readonly string[], more: object = {}) =>
      runCall(open, {
        ...callOf({ inputKind: 'embedding', stream: false }),
        input: new TextEncoder().encode(JSON.stringify({ input, ...more })),
      });
    const { outcome } = await embed(['the word', 'his hand', 'the word']);
    expect(outcome).toMatchObject({ ok: true, usage: { outputTokens: 0 } });
    const output = outcome.ok ? outcome.output : undefined;
    expect(JSON.parse(output?.text ?? '')).toEqual({ count: 3, dimensions: 64 });
    const [one, two, three] = vectorBytes(output?.data ?? new Uint8Array(), 64).map(vectorOf);
    expect(one).toHaveLength(64);
    expect(one).toEqual(three);
    expect(one).not.toEqual(two);
    expect(one?.every(Number.isFinite)).toBe(true);
    expect(reasonOf(await embed(['word '.repeat(5_000)]))).toBe('context_length');
    expect(reasonOf(await embed(['the'], { dimensions: 32 }))).toBe('bad_request');
    expect(reasonOf(await runCall(open, callOf()))).toBe('bad_request');
  } finally {
    await open.close();
  }
});

test('two models in the room of one: calls in alternation are done with two loads', async () => {
  const room = 200 * 1024 * 1024;
  const shared = gguf({ dataDir: folder, threads: 1, budget: new MemoryBudget(room) });
  const before = await computingProcesses();
  const seen = new Set<number>();
  const models = await Promise.all([1, 2].map((n) => shared.open(modelFor({ ...tiny.document, name: `Tiny ${n}` }))));
  const look = async (): Promise<void> => {
    const now = (await computingProcesses()).filter((each) => !before.includes(each));
    expect(now.length).toBeLessThanOrEqual(1);
    for (const each of now) seen.add(each);
  };
  try {
    const outcomes = await Promise.all(
      Array.from({ length: Number(process.env['WILL_ALTERNATING_CALLS'] ?? 30) }, async (_, n) => {
        const ran = await runCall(models[n % 2] as ModelConnection, callOf({ maxOutputTokens: 4 }));
        await look();
        return ran.outcome.ok;
      }),
    );
    expect(outcomes.every(Boolean)).toBe(true);
    expect(seen.size).toBe(2);
    for (const model of models)
      expect(await model.checkHealth(AbortSignal.timeout(2_000))).toMatchObject({ healthy: true });
  } finally {
    await Promise.all(models.map((model) => model.close()));
  }
});

test.each([
  ['four billion layers', 'block_count', 0xff_ff_ff_ff],
  ['no heads', 'attention.head_count', 0],
  ['an odd width', 'embedding_length', 63],
  ['no context', 'context_length', 0],
])(
  'a model that promises %s is served or refused with a clear error, and never takes others along',
  async (_what, field, value) => {
    const bytes = tinyGguf();
    const name = Buffer.from(`llama.${field}`);
    // After the name stands the kind of the value, then the value.
    bytes.writeUInt32LE(value, bytes.indexOf(name) + name.length + 4);
    await writeFile(join(folder, 'odd.gguf'), bytes);
    const opened = await provider.open(modelFor({ ...tiny.document, local: { path: 'odd.gguf', device: 'cpu' } })).then(
      async (own) => {
        const { outcome } = await runCall(own, callOf());
        await own.close();
        return outcome.ok ? 'answered' : outcome.failure.reason;
      },
      (error: unknown) => error,
    );
    if (typeof opened === 'string') expect(['answered', 'crashed', 'context_length']).toContain(opened);
    else expect(opened).toBeInstanceOf(ProviderConfigError);
    expect((await runCall(connection, callOf())).outcome.ok).toBe(true);
  },
);

test('a file that became another one is looked at again before it is loaded again', async () => {
  await writeFile(join(folder, 'changing.gguf'), tinyGguf());
  const before = await computingProcesses();
  const own = await provider.open(modelFor({ ...tiny.document, local: { path: 'changing.gguf', device: 'cpu' } }));
  try {
    const [pid] = (await computingProcesses()).filter((each) => !before.includes(each));
    if (pid === undefined) throw new Error('nothing computes');
    await writeFile(join(folder, 'changing.gguf'), tinyGguf().subarray(0, 100_000));
    const killed = await own.run(endless, killer(pid), new AbortController().signal);
    expect(killed.ok).toBe(false);
    expect(reasonOf(await runCall(own, callOf()))).toBe('crashed');
    expect(await own.checkHealth(AbortSignal.timeout(5_000))).toMatchObject({
      healthy: false,
      detail: expect.stringContaining('changing.gguf is cut short'),
    });
    await writeFile(join(folder, 'changing.gguf'), tinyGguf());
    await expect.poll(async () => (await own.checkHealth(AbortSignal.timeout(5_000))).healthy).toBe(true);
    expect((await runCall(own, callOf())).outcome.ok).toBe(true);
  } finally {
    await own.close();
  }
});

test('a model that must have a GPU is not computed without one', async (context) => {
  if (process.platform === 'darwin') context.skip('every Mac has a GPU that is used');
  if (existsSync('/dev/nvidia0')) context.skip('this machine may have a GPU that is used');
  const opening = provider.open(modelFor({ ...tiny.document, local: { path: 'tiny.gguf', device: 'gpu' } }));
  await expect(opening).rejects.toThrow('its device is gpu, and no GPU with an installed build is here');
});

test('a relative path stays within the data folder', async () => {
  const away = modelFor({ provider: 'gguf', call_method: 'on-device', local: { path: '../tiny.gguf' } });
  await expect(provider.open(away)).rejects.toThrow('must stay within the data folder');
});

test('a model that does not fit is refused before anything is loaded, with the numbers', async () => {
  const small = gguf({ dataDir: folder, threads: 1, budget: new MemoryBudget(150 * 1024 * 1024) });
  const before = await computingProcesses();
  await expect(small.open(tiny)).rejects.toThrow(
    /^model \S+ does not fit: it needs 194 MiB \(weights 1, context 1, buffers 64, process 128\), and models may take 150 MiB here$/,
  );
  // Those of earlier tests may end meanwhile.
  expect(before).toEqual(expect.arrayContaining(await computingProcesses()));
});

test('the memory that the document states counts in place of the estimate', async () => {
  const stating = (memory_mb: number) =>
    modelFor({ ...tiny.document, local: { path: 'tiny.gguf', device: 'cpu', memory_mb } });
  const small = gguf({ dataDir: folder, threads: 1, budget: new MemoryBudget(150 * 1024 * 1024) });
  await expect(small.open(stating(4_000))).rejects.toThrow('needs 4000 MiB (local.memory_mb 4000)');
  await (await small.open(stating(100))).close();
});

/** A connection, and how to kill the very process that computes for it, once. */
async function openWithProcess(): Promise<{ readonly own: ModelConnection; kill(): void }> {
  const before = await computingProcesses();
  const own = await provider.open(tiny);
  const [pid, ...others] = (await computingProcesses()).filter((each) => !before.includes(each));
  // Never a guess: a wrong number would end another test's process, or with 0 the whole run.
  if (pid === undefined || others.length > 0) throw new Error('which process computes is not clear');
  return { own, kill: killer(pid) };
}

/** Kills a process, once. */
function killer(pid: number): () => void {
  let isAlive = true;
  return () => {
    if (isAlive) process.kill(pid, 'SIGKILL');
    isAlive = false;
  };
}

async function computingProcesses(): Promise<number[]> {
  const children = (await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')).trim().split(' ');
  const commands = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return children.filter((pid, n) => Number(pid) > 0 && commands[n]?.includes('gguf/child')).map(Number);
}

test.each([
  ['no file', 'missing.gguf', undefined, 'is not there'],
  ['another file', 'other.gguf', Buffer.from('hello, this is no model at all'), 'is no GGUF'],
  ['an empty file', 'empty.gguf', Buffer.alloc(0), 'is no GGUF'],
  [
    'an unknown version',
    'v9.gguf',
    Buffer.concat([Buffer.from('GGUF'), Buffer.from([9, 0, 0, 0]), Buffer.alloc(32)]),
    'version 9',
  ],
  [
    'impossible counts',
    'counts.gguf',
    Buffer.concat([Buffer.from('GGUF\u0003\0\0\0'), Buffer.alloc(16, 0xff)]),
    'is damaged',
  ],
  ['a truncated model', 'cut.gguf', tinyGguf().subarray(0, 200_000), 'is cut short'],
])('%s is refused with a clear error', async (_what, path, content, message) => {
  if (content) await writeFile(join(folder, path), content);
  const opening = provider.open(modelFor({ provider: 'gguf', call_method: 'on-device', local: { path } }));
  await expect(opening).rejects.toThrow(message);
});
