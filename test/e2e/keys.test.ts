import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startService } from '../support/process.ts';
import { startSystem, type System } from '../support/system.ts';
import { freePort } from '@will/testkit';
import { willmAt } from '../support/willm.ts';

// Keys from the command line to two servers of the running product.

let upstream: ReplayingUpstream;
let system: System;
let urls: readonly string[];
let anchor: string;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  anchor = join(await mkdtemp(join(tmpdir(), 'will-anchor-')), 'anchor.jsonl');
  const second = await freePort();
  system = await startSystem({
    callers: ['Acme', 'Globex'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({
          name: 'Cloud',
          tags: 'text_gen, transcription',
          callMethod: 'API',
          endpoint: `${upstream.url}/v1`,
        }),
        routeDocument('text_gen', 'Cloud'),
      ),
    },
    env: { WILL_KEYS: 'required', WILL_AUDIT_ANCHOR: anchor },
    counts: { gateway: 1, tasks: 1 },
  });
  await system.add('gateway', { WILL_HTTP_PORT: String(second), WILL_GRPC_PORT: '0' });
  urls = [system.httpUrl, `http://127.0.0.1:${second}`];
  await system.untilServed('cloud');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await rm(dirname(anchor), { recursive: true });
});

const statusAt = async (url: string, key: string): Promise<number> =>
  (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;

async function untilStatus(url: string, key: string, status: number): Promise<number> {
  const startedMs = performance.now();
  while ((await statusAt(url, key)) !== status)
    if (performance.now() - startedMs > 10_000) throw new Error(`${url} did not answer ${status} within 10 s`);
  return performance.now() - startedMs;
}

test('every server accepts a key made on the command line for its client, and none once it is revoked', async () => {
  const willm = willmAt(system.nats.url);
  const made = await willm('keys', 'create', '--client', 'Acme', '--note', 'for the test');
  expect(made).toMatchObject({ code: 0 });
  const key = made.out.trim();
  expect(key).toMatch(/^sk-will-[a-z2-7]{12}-[\w-]{43}$/);
  for (const url of urls) await untilStatus(url, key, 200);

  const openai = new OpenAI({ apiKey: key, baseURL: `${urls[0]}/v1`, maxRetries: 0 });
  const answer = await openai.chat.completions.create({
    model: 'text_gen',
    messages: [{ role: 'user', content: 'ping' }],
  });
  expect(answer.choices[0]?.message.content).toBeTruthy();
  await expect(
    openai.chat.completions.create(
      { model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] },
      { headers: { 'x-will-client': 'globex' } },
    ),
  ).rejects.toMatchObject({ status: 403 });

  // What is too large for a message is put away in the name of the key's client, too.
  const recording = (headers: Record<string, string> = {}) =>
    openai.audio.transcriptions.create(
      { model: 'auto', file: new File([new Uint8Array(2_000_000)], 'a.wav') },
      { headers },
    );
  expect((await recording()).text).toContain('2000000 bytes');
  await expect(recording({ 'x-will-client': 'globex' })).rejects.toMatchObject({ status: 403 });

  const listed = await willm('keys', 'ls', '--json');
  expect(JSON.parse(listed.out)).toMatchObject([{ client: 'acme', role: 'caller', note: 'for the test' }]);
  expect(listed.out).not.toContain(key.slice(21));

  const id = key.split('-')[2] as string;
  expect(await willm('keys', 'revoke', id)).toMatchObject({ code: 0 });
  for (const url of urls) await untilStatus(url, key, 401);
  for (const service of ['registry', 'gateway'] as const)
    for (const process of system.of(service)) expect(process.log()).not.toContain(key.slice(21));
});

test('revoking a key ends a stream that it began, and the call of the model below it', async () => {
  const willm = willmAt(system.nats.url);
  const key = (await willm('keys', 'create', '--client', 'Acme')).out.trim();
  await untilStatus(urls[1] as string, key, 200);
  upstream.script('cloud', { kind: 'answer', chunks: 10_000, gapMs: 50, text: 'x'.repeat(10_000) });
  const response = await fetch(`${urls[1]}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'text_gen', stream: true, messages: [{ role: 'user', content: 'ping' }] }),
  });
  expect(response.status).toBe(200);
  const call = upstream.requests.at(-1);
  expect(await willm('keys', 'revoke', key.split('-')[2] as string)).toMatchObject({ code: 0 });
  expect(await response.text()).toMatch(/"x+"[\s\S]*"code":"unauthenticated"/);
  expect(await call?.over).toBe('aborted');
  upstream.script('cloud', { kind: 'answer' });
});

test('the audit log names every change and refusal, and shows what was done to it', async () => {
  const willm = willmAt(system.nats.url);
  const key = (await willm('keys', 'create', '--client', 'Globex')).out.trim();
  const id = key.split('-')[2] as string;
  await untilStatus(urls[0] as string, key, 200);
  const refused = await fetch(`${urls[0]}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-will-client': 'acme' },
    body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: 'a secret prompt' }] }),
  });
  expect(refused.status).toBe(403);

  const startedMs = performance.now();
  let text = '';
  while (!text.includes('client \\"acme') && performance.now() - startedMs < 10_000)
    text = (await willm('audit', 'ls', '--json')).out;
  const entries = JSON.parse(text) as { actor: string; action: string; object: string }[];
  expect(entries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ action: 'documents.seeded' }),
      expect.objectContaining({ action: 'key.created', object: id }),
      expect.objectContaining({ actor: id, action: 'request.refused', object: 'POST /v1/chat/completions' }),
    ]),
  );
  expect(text).not.toContain('secret prompt');
  expect(text).not.toContain(key.slice(21));
  expect(await willm('audit', 'verify')).toMatchObject({ code: 0 });
  expect(await willm('audit', 'verify', '--anchor', anchor)).toMatchObject({ code: 0 });
  const [anchored = ''] = (await readFile(anchor, 'utf8')).split('\n');
  const elsewhere = join(dirname(anchor), 'other.jsonl');
  await writeFile(elsewhere, `${JSON.stringify({ ...(JSON.parse(anchored) as object), digest: 'ab'.repeat(32) })}\n`);
  expect(await willm('audit', 'verify', '--anchor', elsewhere)).toMatchObject({ code: 1 });

  const file = join(system.dataDir, 'audit.jsonl');
  const whole = await readFile(file, 'utf8');
  await writeFile(file, whole.split('\n').slice(0, 1).join('\n') + '\n');
  const cut = await willm('audit', 'verify');
  expect(cut.code).toBe(1);
  expect(cut.out).toContain('wrong at entry 2');
  await writeFile(file, whole);
  expect(await willm('audit', 'verify')).toMatchObject({ code: 0 });
});

test('without keys a server that other machines would reach does not start', async () => {
  await expect(
    startService('gateway', { NATS_URL: system.nats.url, WILL_LISTEN_HOST: '0.0.0.0', WILL_KEYS: 'off' }),
  ).rejects.toThrow(/WILL_KEYS=required/);
});

test('an acceptance run plays its lines with keys of its own, and leaves the product as it was when it is interrupted', {
  timeout: 300_000,
}, async () => {
  const willm = willmAt(system.nats.url);
  const documents = async (): Promise<string> => (await willm('export', '-')).out;
  const before = await documents();
  const run = acceptance();
  await run.untilSays('\nok ');
  expect(await documents()).not.toBe(before);
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(130);
  expect(run.output()).toMatch(/[1-9]\d* ok, 0 failed/);
  expect(await documents()).toBe(before);
  const keys = JSON.parse((await willm('keys', 'ls', '--json')).out) as { note: string; revokedUnixMs: number }[];
  const made = keys.filter(({ note }) => note === 'npm run acceptance');
  expect(made.length).toBeGreaterThan(0);
  expect(made.filter(({ revokedUnixMs }) => revokedUnixMs === 0)).toEqual([]);
});

/** `npm run acceptance -- --running` beside the system of this file. */
function acceptance() {
  const main = fileURLToPath(new URL('../acceptance/main.ts', import.meta.url));
  const args = [main, '--running', '--http', system.httpUrl, '--grpc', `grpc://${system.grpcAddress}`];
  const child = spawn(process.execPath, args, { env: { ...process.env, NATS_URL: system.nats.url } });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      child.emit('wrote');
    });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    ended,
    output: () => text,
    async untilSays(wanted: string): Promise<void> {
      const early = ended.then((code) => Promise.reject(new Error(`it ended with ${code}:\n${text}`)));
      early.catch(() => {});
      while (!text.includes(wanted)) await Promise.race([once(child, 'wrote'), early]);
    },
  };
}
