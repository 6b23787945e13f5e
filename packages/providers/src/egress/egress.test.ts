import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type EgressListener, openEgress } from './index.ts';

// Where requests may go, looked at from the other side: a canary that nobody may ever connect to.

let canary: Server;
let upstream: HttpServer;
let port = 0;
let upstreamUrl = '';
let connections = 0;
let answer: { status: number; headers: Record<string, string>; body: Uint8Array | 'endless' };

beforeAll(async () => {
  canary = createTcpServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  upstream = createServer((request, response) => {
    request.resume();
    response.on('error', () => {});
    response.writeHead(answer.status, answer.headers);
    if (answer.body !== 'endless') return void response.end(answer.body);
    const piece = Buffer.alloc(1024 * 1024, 'x');
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  await new Promise<void>((resolve) => canary.listen(0, resolve));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  ({ port } = canary.address() as AddressInfo);
  upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});
afterAll(() => {
  canary.close();
  upstream.closeAllConnections();
  upstream.close();
});
beforeEach(() => {
  connections = 0;
});

interface Seen {
  readonly status?: number;
  readonly bytes: Buffer;
  readonly failure?: string;
}

async function fetched(origin: string, mayBePrivate: boolean): Promise<Seen> {
  const egress = openEgress(origin, mayBePrivate ? 'any' : 'public');
  try {
    return await new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const seen: { status?: number } = {};
      const end = (failure?: string): void =>
        resolve({ ...seen, bytes: Buffer.concat(chunks), ...(failure !== undefined && { failure }) });
      const listener: EgressListener = {
        started: (status) => void (seen.status = status),
        data: (chunk) => void chunks.push(chunk),
        ended: () => end(),
        failed: (code) => end(code),
      };
      egress.send({ method: 'GET', path: '/', headers: {}, headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 }, listener);
    });
  } finally {
    await egress.close();
  }
}

test.each([
  'localhost',
  'LOCALHOST',
  'localhost.',
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '0',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '①②⑦.⓪.⓪.①',
  'ｌｏｃａｌｈｏｓｔ',
  '127。0。0。1',
  '%6c%6f%63alhost',
  'example.com@127.0.0.1',
  '169.254.169.254',
  '2852039166',
  '[::ffff:a9fe:a9fe]',
  '[fd00:ec2::254]',
])('a model that may not be private does not reach %s', async (host) => {
  const failure = await fetched(`http://${host}:${port}`, false).then(
    (seen) => seen.failure,
    (error: Error) => error.message,
  );
  expect(failure).toMatch(/EPRIVATE|ENOTFOUND|EAI_AGAIN|private address|link-local|origin|URL/);
  expect(connections).toBe(0);
});

test.each([
  '169.254.169.254',
  '2852039166',
  '[::ffff:a9fe:a9fe]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  'metadata.google.internal',
])('no model is opened at %s, also none that may be private', (host) =>
  expect(() => openEgress(`http://${host}:${port}`, 'any')).toThrow(/must not be a link-local address/),
);

test('a model that may be private reaches it: the canary would have seen the others', async () => {
  await fetched(`http://127.0.0.1:${port}`, true);
  expect(connections).toBe(1);
});

test('a name that counts as private must lead to a private address', async () => {
  const reached = async (origin: string, reach: 'private' | 'any'): Promise<number> => {
    connections = 0;
    const egress = openEgress(origin, reach);
    await new Promise<void>((resolve) => {
      const done = (): void => resolve();
      const listener = { started: () => {}, data: () => {}, ended: done, failed: done };
      egress.send({ method: 'GET', path: '/', headers: {}, headersTimeoutMs: 5_000, idleTimeoutMs: 5_000 }, listener);
    });
    await egress.close();
    return connections;
  };
  expect(await reached(`http://localhost:${port}`, 'private')).toBe(1);
});

test.each([301, 302, 303, 307, 308])('a redirect by %s is an answer, and is not followed', async (status) => {
  answer = { status, headers: { location: `http://127.0.0.1:${port}/` }, body: Buffer.from('elsewhere') };
  expect(await fetched(upstreamUrl, true)).toMatchObject({ status });
  expect(connections).toBe(0);
});

test('a packed answer, which nobody asked for, is unpacked, and no further than any other answer', async () => {
  answer = { status: 200, headers: { 'content-encoding': 'GZIP' }, body: gzipSync('packed') };
  expect((await fetched(upstreamUrl, true)).bytes.toString()).toBe('packed');
  answer = { ...answer, body: gzipSync(Buffer.alloc(64 * 1024 * 1024)) };
  const { failure, bytes } = await fetched(upstreamUrl, true);
  expect(failure).toBe('ETOOLARGE');
  expect(bytes.length).toBeLessThanOrEqual(48 * 1024 * 1024);
});

test('an answer that is not packed as it says, and one packed in a way that nobody knows', async () => {
  answer = { status: 200, headers: { 'content-encoding': 'gzip' }, body: Buffer.from('plain') };
  expect(await fetched(upstreamUrl, true)).toMatchObject({ failure: 'EENCODING' });
  answer = { status: 200, headers: { 'content-encoding': 'identity' }, body: Buffer.from('plain') };
  expect((await fetched(upstreamUrl, true)).bytes.toString()).toBe('plain');
});

test('an answer without an end is cut', async () => {
  answer = { status: 200, headers: {}, body: 'endless' };
  const { failure, bytes } = await fetched(upstreamUrl, true);
  expect(failure).toBe('ETOOLARGE');
  expect(bytes.length).toBeLessThanOrEqual(48 * 1024 * 1024);
});

test('a request that may not leave is asked when its connection is there, fails, and never reaches the server', async () => {
  answer = { status: 200, headers: {}, body: Buffer.from('ok') };
  const seen: string[] = [];
  upstream.on('request', (request) => void seen.push(request.url ?? ''));
  const egress = openEgress(upstreamUrl, 'any');
  const sent = (path: string, may: boolean): Promise<string> =>
    new Promise((resolve) => {
      const request = { method: 'GET' as const, path, headers: {}, headersTimeoutMs: 5_000, idleTimeoutMs: 5_000 };
      egress.send(
        { ...request, mayLeave: () => may },
        { started: () => {}, data: () => {}, ended: () => resolve('ended'), failed: resolve },
      );
    });
  expect(await sent('/late', false)).toBe('ELATE');
  expect(await sent('/in-time', true)).toBe('ended');
  expect(await sent('/late-on-an-open-connection', false)).toBe('ELATE');
  expect(await sent('/in-time-again', true)).toBe('ended');
  expect(seen).toEqual(['/in-time', '/in-time-again']);
  await egress.close();
});
