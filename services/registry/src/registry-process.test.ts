import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { announce, connectBus, followSnapshot, type Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const samples = fileURLToPath(new URL('../../../deploy/documents', import.meta.url));

let server: NatsServer;
let bus: Bus;
let folder: string;

beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ servers: server.url, processId: 'test-process', inboxScope: 'test' });
  folder = await mkdtemp(join(tmpdir(), 'will-registry-'));
}, 30_000);

afterAll(async () => {
  await bus?.close();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  /** Message of the child: ready, or why it failed. */
  readonly word: { kind: string; message?: string };
}

async function start(settings: Record<string, string>): Promise<Started> {
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, NATS_URL: server.url, WILL_LOG_LEVEL: 'silent', ...settings },
  });
  const [word] = (await once(child, 'message')) as [Started['word']];
  return { child, word };
}

async function stop({ child }: Started, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  const gone = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  return (await gone)[0];
}

async function apply(text: string, path = 'test.yaml'): Promise<wire.ApplyResponse> {
  const request = create(wire.ApplyRequestSchema, { files: [{ path, text }], author: 'test' });
  return fromBinary(
    wire.ApplyResponseSchema,
    await bus.request(subjects.registry('apply'), toBinary(wire.ApplyRequestSchema, request), 5_000),
  );
}

async function get(kind: string, after = ''): Promise<wire.GetResponse> {
  const request = create(wire.GetRequestSchema, { kind, after });
  return fromBinary(
    wire.GetResponseSchema,
    await bus.request(subjects.registry('get'), toBinary(wire.GetRequestSchema, request), 5_000),
  );
}

test('a registry seeds its empty store, publishes, applies live, and keeps it all over a kill', async () => {
  const settings = { WILL_DATA_DIR: join(folder, 'a'), WILL_DOCUMENTS: samples };
  let registry = await start(settings);
  expect(registry.word).toEqual({ kind: 'ready' });
  const view = await followSnapshot(bus);
  const presence = await announce(bus, 'router', () => ({ revision: view.current?.revision ?? 0 }));
  view.onChange(() => presence.update());
  try {
    expect(view.current?.revision).toBe(1);
    expect(view.current?.routes.get('text_gen')?.steps[0]?.model).toBe('gpt-4');

    const applied = await apply('[summary]\n  primary: Gemini\n');
    expect([applied.revision, applied.problems, applied.lagging]).toEqual([2n, [], []]);
    // Apply answers once this process has said that it works with the revision.
    expect(view.current?.routes.get('summary')?.steps[0]?.model).toBe('gemini');

    const refused = await apply('[summary]\n  primary: Gemini 9\n');
    expect(refused.problems[0]).toMatchObject({ path: 'test.yaml', line: 2, field: 'primary' });
    expect((await get('route')).revision).toBe(2n);

    await stop(registry, 'SIGKILL');
    registry = await start(settings);
    expect(registry.word).toEqual({ kind: 'ready' });
    const { documents, error } = await get('route');
    expect([error, documents.map(({ slug }) => slug).includes('summary')]).toEqual(['', true]);
    expect((await get('nonsense')).error).toContain('must be one of model, route');

    const status = fromBinary(
      wire.StatusResponseSchema,
      await bus.request(subjects.registry('status'), new Uint8Array(), 5_000),
    );
    expect([
      status.revision,
      status.publishedRevision,
      status.counts.find(({ kind }) => kind === 'model')?.count,
    ]).toEqual([2n, 2n, 9]);
    expect(status.processes.map(({ service }) => service)).toContain('router');
  } finally {
    await presence.stop();
    view.stop();
    expect(await stop(registry)).toBe(0);
  }
}, 40_000);

test('10,000 requests of noise are each answered, and the registry goes on', async () => {
  const registry = await start({ WILL_DATA_DIR: join(folder, 'noise') });
  try {
    const noise = (seed: number): Uint8Array =>
      Uint8Array.from({ length: 1 + (seed % 40) }, (_, at) => (seed * 31 + at * 17 + ((seed * at) % 251)) % 256);
    const operations = ['apply', 'get', 'history', 'diff', 'rollback'] as const;
    let answered = 0;
    for (let block = 0; block < 100; block += 1) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          bus.request(subjects.registry(operations[index % 5] ?? 'get'), noise(block * 100 + index), 5_000),
        ),
      );
      answered += answers.length;
    }
    expect(answered).toBe(10_000);
    expect((await get('')).revision).toBe(0n);
  } finally {
    expect(await stop(registry)).toBe(0);
  }
}, 60_000);

test('a bad document ends the start with exit code 1 and a line for each problem', async () => {
  const documents = join(folder, 'bad.yaml');
  await writeFile(documents, '[text_gen]\n  primry: GPT-4\n---\n[code]\n  primary: nobody\n');
  const registry = await start({ WILL_DATA_DIR: join(folder, 'b'), WILL_DOCUMENTS: documents });
  const code = registry.child.exitCode ?? ((await once(registry.child, 'exit')) as [number])[0];
  expect(code).toBe(1);
  expect(registry.word.kind).toBe('failed');
  expect(registry.word.message).toContain(`${documents}:2: primry: unknown field "primry"; nearest: primary`);
}, 20_000);

test('documents that fill more than one message come in pages', async () => {
  const registry = await start({ WILL_DATA_DIR: join(folder, 'c') });
  try {
    const model = (index: number): string =>
      `- {name: Model ${index}, tags: [code], call_method: API, endpoint: "https://example.com", style: {prompt_format: "${'x'.repeat(3_500)}"}}\n`;
    for (let block = 0; block < 6; block += 1) {
      const text = `models:\n${Array.from({ length: 60 }, (_, index) => model(block * 60 + index)).join('')}`;
      expect((await apply(text)).problems).toEqual([]);
    }
    const slugs: string[] = [];
    let pages = 0;
    for (let after: string | undefined = ''; after !== undefined; pages += 1) {
      const page: wire.GetResponse = await get('model', after);
      slugs.push(...page.documents.map(({ slug }) => slug));
      after = page.next === '' ? undefined : page.next;
    }
    expect([new Set(slugs).size, slugs.length, pages]).toEqual([360, 360, 2]);
  } finally {
    await stop(registry);
  }
}, 40_000);
