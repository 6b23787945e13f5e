import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// Every command that a guide shows, as it stands there, against the running product. Programs in TypeScript and JavaScript run
// where their library is tested.

const root = fileURLToPath(new URL('../../', import.meta.url));
let upstream: ReplayingUpstream;
let system: System;
let folder: string;

const model = (name: string, ...more: string[]): string =>
  [modelDocument({ name, tags: 'text_gen', endpoint: `${upstream.url}/v1` }), ...more].join('\n');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-guides-'));
  upstream = await startReplayingUpstream();
  system = await startSystem({
    callers: ['acme', 'ops'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        ...['SmolLM2-135M-Instruct', 'GPT-4', 'Claude 3'].map((name) => model(name)),
        routeDocument('text_gen', 'SmolLM2-135M-Instruct', 'GPT-4', 'Claude 3'),
        'kind: client\nname: AcmeLegal',
        'kind: project\nname: site\nclient: acme',
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('smollm2-135m-instruct', 'gpt-4', 'claude-3');
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

const page = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

/** The lines of every shell block of a page, without their comments; lines that go on are one. */
async function shellLines(path: string): Promise<string[]> {
  const blocks = [...(await page(path)).matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block as string);
  return blocks
    .join('')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** A line's words as a shell takes them apart. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare ?? '');

/** Runs every `willm` line of a page in order, with some words in place of others; all else on the page is returned. */
async function runWillm(path: string, replaced: Readonly<Record<string, string>>): Promise<string[]> {
  const others: string[] = [];
  let ran = 0;
  for (const line of await shellLines(path)) {
    const [program, ...words] = wordsOf(line);
    if (program !== 'willm' && program !== './willm') {
      others.push(line);
      continue;
    }
    const { code, err } = await willmAt(system.nats.url)(...words.map((word) => replaced[word] ?? word));
    expect([path, line, code, code === 0 ? '' : err]).toEqual([path, line, 0, '']);
    ran += 1;
  }
  expect(ran).toBeGreaterThan(0);
  return others;
}

test('the first task: every command works', async () => {
  const [mine] = /```yaml\n([\s\S]*?)```/.exec(await page('docs/guides/first-task.md'))?.slice(1) ?? [];
  await writeFile(join(folder, 'mine.yaml'), mine ?? '');
  const { decisionId } = await system.client.run({ type: 'text_gen', input: 'Hello' });
  const others = await runWillm('docs/guides/first-task.md', {
    '<id>': decisionId,
    'mine.yaml': join(folder, 'mine.yaml'),
  });
  expect(others).toEqual(['npm start']);
});

test('the program of the first task streams an answer', async () => {
  const program = /```ts\n([\s\S]*?)```/.exec(await page('docs/guides/first-task.md'))?.[1] ?? '';
  expect(program).toContain('nats://127.0.0.1:4222');
  expect(await printed(program.replace('nats://127.0.0.1:4222', system.nats.url))).toContain('lazy dog');
});

test('documents with a life: every command works', async () => {
  // The page speaks of revisions up to the eighth.
  for (let n = 0; n < 8; n += 1) await apply(system, documentFile(model('GPT-4', `version: "${n}"`)));
  await writeFile(join(folder, 'mine.yaml'), 'kind: client\nname: Blue Bakery\n');
  const others = await runWillm('docs/guides/documents.md', {
    'mine.yaml': join(folder, 'mine.yaml'),
    'documents/': join(folder, 'documents'),
  });
  expect(others).toEqual([]);
});

test('keys: every command works', async () => {
  const willm = willmAt(system.nats.url);
  await willm('keys', 'create', '--client', 'acme');
  const [id] = /\b[a-z0-9]{12}\b/.exec((await willm('keys', 'ls')).out) ?? [];
  const [callers] = /```yaml\n([\s\S]*?)```/.exec(await page('docs/guides/keys.md'))?.slice(1) ?? [];
  await writeFile(join(folder, 'callers.yaml'), callers ?? '');
  const replaced = { k3jr7mdq2xwa: id ?? '', 'callers.yaml': join(folder, 'callers.yaml') };
  const others = await runWillm('docs/guides/keys.md', replaced);
  expect(others).toEqual(['WILL_KEYS=required npm start', expect.stringMatching(/^curl .* 'authorization: Bearer /)]);
});

test('the front page: every command works, by curl as well', async () => {
  const others = await runWillm('README.md', {});
  const curl = others.find((line) => line.startsWith('curl ')) ?? '';
  const words = wordsOf(curl.replace('http://127.0.0.1:8080', system.httpUrl)).slice(1);
  const answer = await output('curl', ['--silent', '--show-error', '--fail', ...words]);
  expect(JSON.parse(answer)).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] });
  expect(others.filter((line) => line !== curl)).toEqual(['npm start']);
});

test('every question that the page on gRPC asks by grpcurl is answered, asked from the proto files', async () => {
  const asked = (await shellLines('docs/guides/grpc.md')).map((line) => wordsOf(line));
  expect(asked.length).toBeGreaterThan(2);
  for (const [program, , , body, address, method] of asked) {
    expect([program, address]).toEqual(['grpcurl', '127.0.0.1:50051']);
    expect([method, (await callByProto(method ?? '', JSON.parse(body ?? '') as object)).length > 0]).toEqual([
      method,
      true,
    ]);
  }
});

/** Every message that a method answers, as tools that read proto files ask it. */
function callByProto(method: string, request: object): Promise<readonly object[]> {
  const [service = '', name = ''] = method.split('/');
  const options = { includeDirs: [join(root, 'proto')], keepCase: true, enums: String };
  const definition = loadSync('will/v1/api.proto', options)[service] as grpc.ServiceDefinition;
  const found = Object.values(definition).find(({ path }) => path === `/${method}`);
  if (!found) throw new Error(`${service} has no ${name}`);
  const client = new grpc.Client(system.grpcAddress, grpc.credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize, responseStream } = found;
  const call = (done: (error: Error | null, answer?: object) => void): void => {
    if (!responseStream)
      return void client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, done);
    const parts: object[] = [];
    client
      .makeServerStreamRequest(path, requestSerialize, responseDeserialize, request)
      .on('data', (part: object) => parts.push(part))
      .on('error', done)
      .on('end', () => done(null, parts));
  };
  return new Promise<readonly object[]>((resolve, reject) =>
    call((error, answer) => (error ? reject(error) : resolve([answer ?? []].flat()))),
  ).finally(() => client.close());
}

/** What a program of its own prints; with the packages that tests have. */
const printed = (program: string): Promise<string> =>
  output(process.execPath, ['--input-type=module-typescript', '-e', program], join(root, 'test'));

const output = (program: string, args: readonly string[], cwd = root): Promise<string> =>
  new Promise((resolve, reject) =>
    execFile(program, args, { cwd }, (error, out, err) =>
      error ? reject(new Error(err, { cause: error })) : resolve(out),
    ),
  );
