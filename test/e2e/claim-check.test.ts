import { readFile } from 'node:fs/promises';
import { Objm } from '@nats-io/obj';
import { connectClient, draw, speak, type TaskClient, transcribe } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Content that is too large for a message, through every server of the running product.

const mega = 1_000_000;
let upstream: ReplayingUpstream;
let system: System;
let openai: OpenAI;
let grpc: TaskClient;

beforeAll(async () => {
  upstream = await startReplayingUpstream({ keepLog: false });
  system = await startSystem({
    callers: ['acme'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({
          name: 'Media',
          tags: 'transcription, speech, image_gen, vision, text_gen',
          callMethod: 'API',
          endpoint: `${upstream.url}/v1`,
        }),
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('media');
  openai = new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });
  grpc = await connectClient({ servers: `grpc://${system.grpcAddress}`, client: 'acme' });
});
afterAll(async () => {
  await grpc.close();
  await system.stop();
  await upstream.close();
});

const recording = (bytes: number): File => new File([new Uint8Array(bytes)], 'a.wav', { type: 'audio/wav' });
const transcript = async (bytes: number): Promise<string> =>
  (await openai.audio.transcriptions.create({ model: 'auto', file: recording(bytes), language: 'nb' })).text;

const lying = async (): Promise<number> => {
  const status = await (await new Objm(system.bus.connection).open('will_payloads')).status();
  return status.size;
};

/** Resident memory of a process, from the kernel. */
async function residentMiB(pid: number): Promise<number> {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** The most that processes grew, each by itself, while something was done; MiB. */
async function growth(pids: readonly number[], work: () => Promise<unknown>): Promise<readonly number[]> {
  const before = await Promise.all(pids.map(residentMiB));
  const most = [...before];
  const look = async (): Promise<void> => {
    for (const [index, now] of (await Promise.all(pids.map(residentMiB))).entries())
      most[index] = Math.max(most[index] ?? 0, now);
  };
  const timer = setInterval(() => void look(), 5);
  await work().finally(() => clearInterval(timer));
  await look();
  return most.map((peak, index) => peak - (before[index] ?? 0));
}

test.skipIf(process.platform !== 'linux')(
  'a recording of 25 MB goes through server and router with at most 32 MiB more in each',
  async () => {
    // What the processes need at all, they have after the first one.
    expect(await transcript(2 * mega)).toBe('a.wav of 2000000 bytes in nb for media');
    const pids = [system.of('gateway')[0]?.pid, system.of('router')[0]?.pid] as number[];
    const [gateway = Number.NaN, router = Number.NaN] = await growth(pids, async () => {
      expect(await transcript(25 * mega)).toBe('a.wav of 25000000 bytes in nb for media');
    });
    expect(gateway).toBeLessThanOrEqual(32);
    expect(router).toBeLessThanOrEqual(32);
  },
);

test('nothing of it lies in the bucket once the task is over', async () => {
  await transcript(3 * mega);
  await expect.poll(lying).toBeLessThan(100_000);
});

test('a recording of 200 MB is refused as 413 with the limit, and the next request is served', async () => {
  const refused = await transcript(200 * mega).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 413, code: 'too_large' });
  expect((refused as Error).message).toContain('33554432 bytes');
  expect(await transcript(1_000)).toContain('1000 bytes');
});

test('one that does not say how long it is is cut off at the limit, and leaves nothing behind', async () => {
  const boundary = 'will-boundary';
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`;
  const endless = ReadableStream.from(
    (function* () {
      yield Buffer.from(head);
      for (let n = 0; n < 45; n += 1) yield new Uint8Array(mega);
    })(),
  );
  const response = await fetch(`${system.httpUrl}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: endless,
    duplex: 'half',
  } as RequestInit);
  expect(response.status).toBe(413);
  await expect.poll(lying).toBeLessThan(100_000);
});

test.each(['nats', 'grpc'])('the client library over %s sends what does not fit a message', async (way) => {
  const client = way === 'grpc' ? grpc : system.client;
  const audio = Buffer.alloc(6 * mega).toString('base64');
  const { value } = await transcribe(client, { input: { audio, file_name: 'b.wav', language: 'en' } });
  expect(value).toBe('b.wav of 6000000 bytes in en for media');
  await expect.poll(lying).toBeLessThan(100_000);
});

test('large images in a chat go to a model that sees, and do not count by their bytes', async () => {
  const url = `data:image/png;base64,${Buffer.alloc(2 * mega).toString('base64')}`;
  const answer = await openai.chat.completions.create({
    model: 'vision',
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
  });
  expect(answer.choices[0]?.message.content).toContain('quick brown fox');
});

test.each(['http', 'nats', 'grpc'])('sound of 20 MB comes back whole over %s', async (way) => {
  const text = `bytes ${20 * mega}`;
  if (way === 'http') {
    const response = await openai.audio.speech.create({ model: 'auto', voice: 'v', input: text });
    return expect((await response.arrayBuffer()).byteLength).toBe(20 * mega);
  }
  const client = way === 'grpc' ? grpc : system.client;
  const { value } = await speak(client, { input: { text, voice: 'v', format: 'mp3' } });
  expect(value.bytes.length).toBe(20 * mega);
  expect(value.bytes.every((byte) => byte === 7)).toBe(true);
});

test('an image above the size of a message comes back whole', async () => {
  const prompt = 'x'.repeat(700_000);
  const { value } = await draw(system.client, { input: { prompt } });
  expect(Buffer.from(value.bytes).toString()).toBe(`image of ${prompt}`);
});

test('a payload of another client is not to be named, and one that is gone is told', async () => {
  const input = Buffer.from('{"file_name":"a.wav"}');
  const task = { type: 'transcription', inputKind: 'transcription', input } as const;
  const named = (object: string) => ({
    $typeName: 'will.v1.PayloadRef' as const,
    object,
    bytes: 5n,
    sha256: new Uint8Array(32),
    field: 'audio',
  });
  const failure = (object: string) =>
    system.client.run({ ...task, client: 'acme', payload: named(object) }).catch((error: unknown) => error);
  expect(await failure('other.0123456789')).toMatchObject({ code: 'invalid_task' });
  expect(await failure('acme.0123456789')).toMatchObject({
    attempts: [{ reason: expect.stringContaining('payload') }],
  });
});
