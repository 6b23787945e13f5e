import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { auditAnchorOf } from './audit-anchor.ts';

const head = { atMs: Date.UTC(2026, 0, 2), sequence: 7, digest: 'ab'.repeat(32) };
const seen: { request: IncomingMessage; body: string }[] = [];
let status = 204;
let folder: string;
let url: string;
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    seen.push({ request, body });
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
});
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-anchor-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  seen.length = 0;
  status = 204;
});

test('a file gets one line more for each end of the log, and is private', async () => {
  const path = join(folder, 'deep/anchor.jsonl');
  const { anchor, everyMs } = auditAnchorOf({ WILL_AUDIT_ANCHOR: path, WILL_AUDIT_ANCHOR_MINUTES: '10' });
  await anchor?.write(head);
  await anchor?.write({ ...head, sequence: 8 });
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([head, { ...head, sequence: 8 }]);
  expect((await stat(path)).mode & 0o077).toBe(0);
  expect(everyMs).toBe(600_000);
});

test('a webhook gets the end as JSON, signed where there is a secret, and has to take it', async () => {
  const secretFile = join(folder, 'secret');
  await writeFile(secretFile, 'a secret of the webhook\n');
  const settings = { WILL_AUDIT_ANCHOR: `${url}/hook`, WILL_AUDIT_ANCHOR_SECRET_FILE: secretFile };
  await auditAnchorOf(settings).anchor?.write(head);
  const [{ request, body } = { request: undefined, body: '' }] = seen;
  expect([request?.method, request?.url]).toEqual(['POST', '/hook']);
  expect(JSON.parse(body)).toEqual({ kind: 'will.audit.head', ...head });
  const signature = createHmac('sha256', 'a secret of the webhook').update(body).digest('hex');
  expect(request?.headers['x-will-signature']).toBe(`sha256=${signature}`);

  const { anchor } = auditAnchorOf({ WILL_AUDIT_ANCHOR: `${url}/hook` });
  await anchor?.write(head);
  expect(seen.at(-1)?.request.headers['x-will-signature']).toBeUndefined();
  status = 500;
  await expect(anchor?.write(head)).rejects.toThrow('answered 500');
  status = 302;
  await expect(anchor?.write(head)).rejects.toThrow('fetch failed');
  expect(seen.some(({ request: { url: path } }) => path === '/elsewhere')).toBe(false);
});

test('a collector gets the end as a log record', async () => {
  const { anchor } = auditAnchorOf({
    WILL_AUDIT_ANCHOR: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-token=a%20b',
  });
  await anchor?.write(head);
  const { request, body } = seen[0] ?? { request: undefined, body: '{}' };
  expect([request?.url, request?.headers['x-token']]).toEqual(['/v1/logs', 'a b']);
  const sent = JSON.parse(body) as { resourceLogs: { scopeLogs: { logRecords: object[] }[] }[] };
  expect(sent.resourceLogs[0]?.scopeLogs[0]?.logRecords[0]).toMatchObject({
    timeUnixNano: '1767312000000000000',
    eventName: 'will.audit.head',
    attributes: [
      { key: 'will.audit.sequence', value: { intValue: '7' } },
      { key: 'will.audit.digest', value: { stringValue: head.digest } },
    ],
  });
});

test('what cannot be an anchor stops the service at its start, with what is allowed', () => {
  const of =
    (place: string, more = {}) =>
    () =>
      auditAnchorOf({ WILL_AUDIT_ANCHOR: place, ...more });
  expect(auditAnchorOf({}).anchor).toBeUndefined();
  for (const place of ['anchor.jsonl', 'http://hooks.example/x', 'ftp://x/y', 'OTLP'])
    expect(of(place)).toThrow(/must be an absolute path, an https:\/\/ address, or otlp/);
  expect(of('otlp')).toThrow(/needs a collector/);
  expect(of('https://hooks.example', { WILL_AUDIT_ANCHOR_SECRET_FILE: join(folder, 'none') })).toThrow(
    /cannot be read/,
  );
  expect(of('/tmp/x', { WILL_AUDIT_ANCHOR_MINUTES: '0' })).toThrow(/from 1 to 1440/);
});
