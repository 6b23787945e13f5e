import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { archiveOf, nodesOnPath, packInto, projectOf, root, run, unpackInto } from './installed.ts';

// What `npm run pack` builds, as those who install it have it: outside the repository, against the running product.

const names = ['client', 'extension', 'proto', 'cli'] as const;
const tsc = join(root, 'node_modules/.bin/tsc');
let folder: string;
let packed: string;
let client: string;
let extension: string;
let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-packages-'));
  packed = await packInto(folder);
  client = await projectOf('client-ts');
  await unpackInto(client, [archiveOf(packed, 'client'), archiveOf(packed, 'cli'), archiveOf(packed, 'proto')]);
  extension = await projectOf('extension');
  await unpackInto(extension, [archiveOf(packed, 'extension')]);
  upstream = await startReplayingUpstream();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'GPT-4', endpoint: `${upstream.url}/v1` }),
        routeDocument('text_gen', 'GPT-4'),
      ),
    },
    callers: ['default'],
    counts: { gateway: 1, tasks: 1 },
  });
  await system.untilServed('gpt-4');
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
  for (const made of [folder, client, extension]) await rm(made, { recursive: true, force: true });
});

const textOf = (path: string): Promise<string> => readFile(path, 'utf8');
const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1));

test.each(names)('@will/%s holds its README, its licence, built modules with their maps, and no sources', (name) => {
  const files = filesBelow(join(packed, name));
  expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'package.json']));
  const modules = files.filter((file) => file.endsWith('.js') && file !== 'dist/willm.js');
  expect(modules.length).toBeGreaterThan(0);
  expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual([]);
  expect(files.filter((file) => file.includes('test'))).toEqual([]);
});

test.each(names)('what npm is told of @will/%s can be followed outside the workspace', async (name) => {
  const text = await textOf(join(packed, name, 'package.json'));
  expect(text).not.toMatch(/workspace:|catalog:|"private"/);
  expect(JSON.parse(text)).toMatchObject({
    name: `@will/${name}`,
    version: '0.1.0',
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: '>=20' },
  });
  expect((await textOf(join(packed, name, 'README.md'))).length).toBeGreaterThan(200);
});

test('nothing that was built names a folder of the machine that built it', async () => {
  let read = 0;
  for (const name of names)
    for (const file of filesBelow(join(packed, name))) {
      expect([file, (await textOf(join(packed, name, file))).includes(root)]).toEqual([file, false]);
      read += 1;
    }
  expect(read).toBeGreaterThan(20);
});

test('a service in TypeScript compiles against the client, its declarations checked as well', async () => {
  expect(await textOf(join(client, 'tsconfig.json'))).toContain('"skipLibCheck": false');
  const { code, out } = await run(tsc, ['-p', client], client);
  expect([code, out]).toEqual([0, '']);
});

test('an extension compiles against the types', async () => {
  const { code, out } = await run(tsc, ['-p', extension], extension);
  expect([code, out]).toEqual([0, '']);
});

test.each(['bus', 'gRPC'])(
  'the example runs, streams and submits over %s, on every Node of this machine',
  async (how) => {
    const url = how === 'bus' ? system.nats.url : `grpc://${system.grpcAddress}`;
    const nodes = await nodesOnPath();
    expect(nodes.size).toBeGreaterThan(0);
    for (const [version, node] of nodes) {
      const { out, err } = await run(node, ['dist/main.js'], client, { WILL_URL: url });
      expect([version, out, err]).toEqual([version, 'run: gpt-4 true\nstream: gpt-4 true\nsubmit: gpt-4 true\n', '']);
    }
  },
);

test('the example does the same bundled, away from every package', async () => {
  const bundle = await rolldown({ input: join(client, 'dist/main.js'), platform: 'node', tsconfig: false });
  await bundle.write({ dir: join(client, 'bundled'), format: 'esm' });
  await cp(join(client, 'bundled'), join(folder, 'bundled'), { recursive: true });
  const { out, err } = await run(process.execPath, ['bundled/main.js'], folder, { WILL_URL: system.nats.url });
  expect([out, err]).toEqual(['run: gpt-4 true\nstream: gpt-4 true\nsubmit: gpt-4 true\n', '']);
});

test('a failure has its code in a program of its own', async () => {
  const program = `import { connectClient, TaskError } from '@will/client';
const will = await connectClient({ servers: ${JSON.stringify(system.nats.url)} });
try { await will.run({ type: 'text_gen', model: 'nothing-like-it', input: 'x' }); }
catch (error) { console.log(error instanceof TaskError, error.code); }
await will.close();`;
  await writeFile(join(client, 'failing.mjs'), program);
  const { out } = await run(process.execPath, ['failing.mjs'], client);
  expect(out).toBe('true unknown_model\n');
});

test('the installed willm shows models and runs a task, on every Node of this machine', async () => {
  const willm = join(client, 'node_modules/@will/cli/dist/willm.js');
  for (const [version, node] of await nodesOnPath()) {
    const env = { NATS_URL: system.nats.url };
    const models = await run(node, [willm, 'get', 'models'], client, env);
    expect([version, models.code, models.err]).toEqual([version, 0, '']);
    expect(models.out).toContain('GPT-4');
    const answer = await run(node, [willm, 'run', 'text_gen', 'Hello'], client, env);
    expect([version, answer.code, answer.out.length > 1]).toEqual([version, 0, true]);
  }
});

test('the installed willm finds no problem in the documents of the examples', async () => {
  const willm = join(client, 'node_modules/@will/cli/dist/willm.js');
  const { code, out } = await run(process.execPath, [willm, 'validate', join(root, 'examples/documents')], client);
  expect([code, out]).toEqual([0, '5 documents in 1 file, no problem\n']);
});

test('every field that the clients in Python and Go send or read is one of the proto files', async () => {
  const nameIn = { go: /protobuf:"[^"]*\bname=(\w+)/g, python: /^ {4}(\w+): /gm };
  let fields = 0;
  for (const file of ['api', 'durable', 'policy', 'registry', 'task', 'telemetry']) {
    const proto = await textOf(join(root, `proto/will/v1/${file}.proto`));
    const python = await textOf(join(root, `clients/python/src/will/v1/${file}_pb2.pyi`));
    const go = await textOf(join(root, `clients/go/willv1/${file}.pb.go`));
    for (const [, name = ''] of [...go.matchAll(nameIn.go), ...python.matchAll(nameIn.python)]) {
      if (/^[A-Z_0-9]+$/.test(name)) continue;
      expect([file, name, new RegExp(`\\b${name} = `).test(proto) || proto.includes(`oneof ${name}`)]).toEqual([
        file,
        name,
        true,
      ]);
      fields += 1;
    }
  }
  expect(fields).toBeGreaterThan(200);
});

test('proto files and messages come from one package', async () => {
  const program = `import { TaskSchema } from '@will/proto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
const file = fileURLToPath(import.meta.resolve('@will/proto/proto/will/v1/task.proto'));
console.log(TaskSchema.typeName, readFileSync(file, 'utf8').includes('message Task {'));`;
  await writeFile(join(client, 'proto.mjs'), program);
  const { out, err } = await run(process.execPath, ['proto.mjs'], client);
  expect([out, err]).toEqual(['will.v1.Task true\n', '']);
});
