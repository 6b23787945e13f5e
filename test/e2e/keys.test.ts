import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startService } from '../support/process.ts';
import { freePort, startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// Keys from the command line to two doors of the running product.

let upstream: ReplayingUpstream;
let system: System;
let urls: readonly string[];

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const second = await freePort();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Cloud', tags: 'text_gen', callMethod: 'API', endpoint: `${upstream.url}/v1` }),
        routeDocument('text_gen', 'Cloud'),
      ),
    },
    env: { WILL_KEYS: 'required' },
    counts: { gateway: 1 },
  });
  await system.add('gateway', { WILL_HTTP_PORT: String(second), WILL_GRPC_PORT: '0' });
  urls = [system.httpUrl, `http://127.0.0.1:${second}`];
  await system.untilServed('cloud');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

const statusAt = async (url: string, key: string): Promise<number> =>
  (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;

async function untilStatus(url: string, key: string, status: number): Promise<number> {
  const startedMs = performance.now();
  while ((await statusAt(url, key)) !== status)
    if (performance.now() - startedMs > 10_000) throw new Error(`${url} did not answer ${status} within 10 s`);
  return performance.now() - startedMs;
}

test('a key made on the command line opens every door for its client, and none once it is revoked', async () => {
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

  const listed = await willm('keys', 'ls', '--json');
  expect(JSON.parse(listed.out)).toMatchObject([{ client: 'acme', role: 'caller', note: 'for the test' }]);
  expect(listed.out).not.toContain(key.slice(21));

  const id = key.split('-')[2] as string;
  expect(await willm('keys', 'revoke', id)).toMatchObject({ code: 0 });
  for (const url of urls) expect(await untilStatus(url, key, 401)).toBeLessThan(5_000);
  for (const service of ['registry', 'gateway'] as const)
    for (const process of system.of(service)) expect(process.log()).not.toContain(key.slice(21));
});

test('without keys a door that other machines would reach does not open', async () => {
  await expect(
    startService('gateway', { NATS_URL: system.nats.url, WILL_DOORS_HOST: '0.0.0.0', WILL_KEYS: 'off' }),
  ).rejects.toThrow(/WILL_KEYS=required/);
});
