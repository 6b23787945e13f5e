import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { announce, connectBus, followSnapshot, openPayloads, type Bus } from '@will/bus';
import { queues, subjects, wire } from '@will/contracts';
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
});

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

async function apply(
  text: string,
  path = 'test.yaml',
  more: MessageInitShape<typeof wire.ApplyRequestSchema> = {},
): Promise<wire.ApplyResponse> {
  const request = create(wire.ApplyRequestSchema, { files: [{ path, text }], author: 'test', ...more });
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

const lawyers = { 'Müller Recht': { avoid_cloud: true }, 'Møller Recht': { use_compliant_only: true } };
const clientText = (name: string, rules: object): string =>
  `kind: client\nname: ${name}\ndata_rules: ${JSON.stringify(rules)}\n`;
const slugsOfLawyers = async (): Promise<string[]> =>
  (await get('client')).documents.map(({ slug }) => slug).filter((slug) => slug.includes('ller-recht'));

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

    const applied = await apply('[ocr]\n  primary: Gemini\n');
    expect([applied.revision, applied.problems, applied.lagging]).toEqual([2n, [], []]);
    // Apply answers once this process has said that it works with the revision.
    expect(view.current?.routes.get('ocr')?.steps).toEqual([{ step: 'primary', model: 'gemini' }]);

    const refused = await apply('[ocr]\n  primary: Gemini 9\n');
    expect(refused.problems[0]).toMatchObject({ path: 'test.yaml', line: 2, field: 'primary' });
    expect((await get('route')).revision).toBe(2n);

    // Two names that ASCII spells alike, applied one after the other, and the first one again in another Unicode form.
    for (const [name, rules] of Object.entries(lawyers)) await apply(clientText(name, rules));
    const { revision: last } = await apply(clientText('Müller Recht'.normalize('NFD'), lawyers['Müller Recht']));
    const rulesByName = (): Record<string, object | undefined> =>
      Object.fromEntries(
        [...(view.current?.clients.values() ?? [])].map((one) => [one.name.normalize('NFC'), one.data_rules]),
      );
    expect(rulesByName()).toMatchObject(lawyers);
    const slugs = await slugsOfLawyers();
    expect(new Set(slugs).size).toBe(2);

    await stop(registry, 'SIGKILL');
    registry = await start(settings);
    expect(registry.word).toEqual({ kind: 'ready' });
    expect(await slugsOfLawyers()).toEqual(slugs);
    expect(rulesByName()).toMatchObject(lawyers);
    const { documents, error } = await get('route');
    const kept = documents.find(({ slug }) => slug === 'ocr');
    expect([error, JSON.parse(new TextDecoder().decode(kept?.json))]).toMatchObject([
      '',
      { steps: [{ model: 'Gemini' }] },
    ]);
    expect((await get('nonsense')).error).toContain('must be one of model, route');

    const status = fromBinary(
      wire.StatusResponseSchema,
      await bus.request(subjects.registry('status'), new Uint8Array(), 5_000),
    );
    expect([
      status.revision,
      status.publishedRevision,
      status.counts.find(({ kind }) => kind === 'model')?.count,
    ]).toEqual([last, last, 9]);
    expect(status.processes.map(({ service }) => service)).toContain('router');
  } finally {
    await presence.stop();
    view.stop();
    expect(await stop(registry)).toBe(0);
  }
});

test('removal, new slug and rename of a client, project and model × what depends on them, with tombstones over a kill', async () => {
  const settings = { WILL_DATA_DIR: join(folder, 'removals') };
  let registry = await start(settings);
  const waiting = { naming: [] as { kind: string; slug: string; waiting: number }[] };
  const tasks = bus.serve(subjects.tasksNaming, queues.tasks, async () =>
    toBinary(wire.TasksNamingResponseSchema, create(wire.TasksNamingResponseSchema, waiting)),
  );
  const keyRequest = create(wire.CreateKeyRequestSchema, {
    key: { id: 'abcdefghijkl', digest: new Uint8Array(32), client: 'keyed', role: 'caller', projects: ['keyed'] },
  });
  const call = "tags: [code], call_method: API, endpoint: 'https://example.com'";
  const documents = (one: { readonly kind: string; readonly slug: string } | undefined, change: string): string => {
    const list = (kind: string, entries: readonly (readonly [slug: string, fields: string])[]): string => {
      const lines = entries.flatMap(([slug, fields]) => {
        const isIt = one?.kind === kind && one.slug === slug;
        if (isIt && change === 'removal') return [];
        if (isIt && change === 'new slug') return [`- {name: ${slug}, slug: ${slug}-2${fields}}`];
        if (isIt && change === 'rename') return [`- {name: New ${slug}, slug: ${slug}${fields}}`];
        return [`- {name: ${slug}, slug: ${slug}${fields}}`];
      });
      return `${kind}s:\n${lines.join('\n')}\n`;
    };
    return [
      list('client', [
        ['keyed', ''],
        ['owner', ''],
        ['asking', ''],
        ['paying', ', budget: {daily: {usd: 1}}'],
        ['ruled', ', data_class: customer'],
        ['bare', ''],
      ]),
      list('project', [
        ['keyed', ''],
        ['asking', ''],
        ['paying', ', budget: {monthly: {tokens: 1}}'],
        ['ruled', ', data_rules: {avoid_cloud: yes}'],
        ['owned', one?.slug === 'owner' ? '' : ', client: owner'],
        ['bare', ''],
      ]),
      list('model', [
        ['asking', `, ${call}`],
        ['paying', `, ${call}, limits: {daily: {usd: 1}}`],
        ['bare', `, ${call}`],
      ]),
    ].join('');
  };
  const become = (text: string, force = false) => apply(text, 'all.yaml', { prune: true, force });
  const table = [
    ['client', 'keyed', '1 API key (abcdefghijkl)'],
    ['client', 'owner', '1 project (owned)'],
    ['client', 'asking', '2 durable tasks (2 waiting, 0 running)'],
    ['client', 'paying', 'its budget'],
    ['client', 'ruled', 'its rules on data'],
    ['client', 'bare', ''],
    ['project', 'keyed', '1 API key (abcdefghijkl)'],
    ['project', 'asking', '2 durable tasks (2 waiting, 0 running)'],
    ['project', 'paying', 'its budget'],
    ['project', 'ruled', 'its rules on data'],
    ['project', 'bare', ''],
    ['model', 'asking', '2 durable tasks (2 waiting, 0 running)'],
    ['model', 'paying', 'its budget'],
    ['model', 'bare', ''],
  ] as const;
  try {
    expect((await become(documents(undefined, ''))).problems).toEqual([]);
    await bus.request(subjects.keys('create'), toBinary(wire.CreateKeyRequestSchema, keyRequest), 5_000);
    waiting.naming = ['client', 'project', 'model'].map((kind) => ({ kind, slug: 'asking', waiting: 2 }));
    for (const [kind, slug, dependent] of table)
      for (const change of ['removal', 'new slug', 'rename']) {
        const it = `${change} of ${kind} ${slug}`;
        const text = documents({ kind, slug }, change);
        const answer = await become(text);
        const isHeld = dependent !== '' && change !== 'rename';
        expect([it, answer.problems.map(({ path }) => path)]).toEqual([it, isHeld ? [`${kind} ${slug}`] : []]);
        if (isHeld) expect([it, answer.problems[0]?.message]).toEqual([it, expect.stringContaining(dependent)]);
        else expect((await become(documents(undefined, ''), true)).problems).toEqual([]);
      }
    const { revision } = await become(documents({ kind: 'client', slug: 'ruled' }, 'removal'), true);
    await stop(registry, 'SIGKILL');
    registry = await start(settings);
    const taken = await apply('clients:\n- {name: Other, slug: ruled}\n');
    expect(taken.problems[0]?.message).toContain(
      `it takes the name "ruled" of client ruled ("ruled"), which revision ${revision} removes`,
    );
    const looser = await apply('clients:\n- {name: ruled, data_class: open}\n');
    expect(looser.loosenings).toMatchObject([{ kind: 'client', slug: 'ruled', field: 'data_class' }]);
  } finally {
    await tasks.stop();
    await stop(registry);
  }
});

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
});

test('a bad document ends the start with exit code 1 and a line for each problem', async () => {
  const documents = join(folder, 'bad.yaml');
  await writeFile(documents, '[text_gen]\n  primry: GPT-4\n---\n[code]\n  primary: nobody\n');
  const registry = await start({ WILL_DATA_DIR: join(folder, 'b'), WILL_DOCUMENTS: documents });
  const code = registry.child.exitCode ?? ((await once(registry.child, 'exit')) as [number])[0];
  expect(code).toBe(1);
  expect(registry.word.kind).toBe('failed');
  expect(registry.word.message).toContain(`${documents}:2: primry: unknown field "primry"; nearest: primary`);
});

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
});

test('documents that are too large for a message come beside it: thousands in one file, kept over a restart', async () => {
  const settings = { WILL_DATA_DIR: join(folder, 'many') };
  const count = 3_000;
  const text = Array.from({ length: count }, (_, n) => `kind: client\nname: Client ${n}\n# ${'x'.repeat(330)}\n`).join(
    '---\n',
  );
  expect(text.length).toBeGreaterThan(1024 * 1024);
  let registry = await start(settings);
  const payloads = openPayloads(bus);
  const files = toBinary(
    wire.ApplyFilesSchema,
    create(wire.ApplyFilesSchema, { files: [{ path: 'many.yaml', text }] }),
  );
  const filesPayload = await payloads.put('documents', files);
  try {
    const request = create(wire.ApplyRequestSchema, { filesPayload, waitMs: 0 });
    const answer = await bus.request(subjects.registry('apply'), toBinary(wire.ApplyRequestSchema, request), 120_000);
    const applied = fromBinary(wire.ApplyResponseSchema, answer);
    expect([applied.problems, applied.revision]).toEqual([[], 1n]);
    expect([applied.changes.length, applied.warnings.at(-1)]).toEqual([
      2_000,
      'and 1000 more changes, which are not listed',
    ]);
    await stop(registry, 'SIGKILL');
    registry = await start(settings);
    const status = fromBinary(
      wire.StatusResponseSchema,
      await bus.request(subjects.registry('status'), new Uint8Array(), 5_000),
    );
    expect([status.publishedRevision, status.counts.find(({ kind }) => kind === 'client')?.count]).toEqual([1n, count]);
  } finally {
    await payloads.remove(filesPayload);
    await stop(registry);
  }
});
