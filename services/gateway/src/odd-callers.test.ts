import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answers, delta, result, started } from './testing/fake-tasks.ts';
import { httpAccess } from './auth/keys/access.ts';
import { startTestServer, sampleSnapshot, type TestServer } from './testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(3);
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
  server.errors.length = 0;
  Object.assign(server.backends, { client: server.tasks, snapshot: sampleSnapshot(), isBusConnected: true });
});

const chat = (fields: Record<string, unknown> = {}) => ({
  model: 'auto',
  messages: [{ role: 'user', content: 'ping' }],
  ...fields,
});
const events = async (response: Response): Promise<string[]> =>
  (await response.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));

function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (data) => {
      text += String(data);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

test('what is no HTTP, or has giant headers, is answered in the same form', async () => {
  expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"bad_http"/);
  expect(await raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/,
  );
});

test.each(Object.keys(httpAccess))('%s: a web page causes nothing, whatever its body', async (what) => {
  const [method, route = ''] = what.split(' ');
  const bodies = [
    ['application/json', JSON.stringify(chat())],
    ['text/plain', JSON.stringify(chat())],
    ['multipart/form-data; boundary=b', '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nauto\r\n--b--\r\n'],
  ] as const;
  const pages = [
    ['localhost', 'origin: https://evil.example', 'origin_not_allowed'],
    ['localhost', 'sec-fetch-site: cross-site', 'origin_not_allowed'],
    ['rebound.example', 'origin: http://rebound.example', 'host_not_allowed'],
    ['localhost', 'host: localhost', 'host_not_allowed'],
  ] as const;
  for (const [type, body] of bodies)
    for (const [host, header, code] of pages)
      for (const target of [route, `http://localhost${route}`])
        expect(
          await raw(
            `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${header}\r\ncontent-type: ${type}\r\n` +
              `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
          ),
        ).toMatch(new RegExp(`^HTTP/1\\.1 40[03] [\\s\\S]*"code":"${code}"`));
  expect(server.tasks.requests).toEqual([]);
});

test('a target in absolute form is served when its host is ours', async () => {
  const head = 'host: localhost\r\nconnection: close\r\n\r\n';
  expect(await raw(`GET http://127.0.0.1/v1/models HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await raw(`GET http://evil.example/v1/models HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1\.1 403 /);
});

test('a web page that reaches loopback by a name of its own is refused', async () => {
  expect(await raw('GET /v1/models HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 403 [\s\S]*"code":"host_not_allowed"/,
  );
});

test('a caller that reads slowly loses nothing and gets the whole stream', async () => {
  const piece = 'x'.repeat(10_000);
  server.tasks.script = (request, _stream, onPart) => {
    onPart(started);
    for (let n = 0; n < 90; n += 1) onPart(delta(piece));
    return result(request);
  };
  const all = await events(await server.post(chat({ stream: true })));
  expect(all.filter((event) => event.includes(piece))).toHaveLength(90);
  expect(all.at(-1)).toBe('[DONE]');
});

test('a caller that reads nothing at all is given up, and its task cancelled', async () => {
  const cancelled = Promise.withResolvers<void>();
  server.tasks.script = async (request, _stream, onPart) => {
    onPart(started);
    while (request.signal?.aborted !== true) {
      onPart(delta('x'.repeat(500_000)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    cancelled.resolve();
    return result(request);
  };
  const body = JSON.stringify(chat({ stream: true }));
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(head + body));
  socket.on('error', () => {});
  socket.pause();
  await cancelled.promise;
  socket.destroy();
});
