import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answers } from '../../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(2);
});
afterAll(() => server.stop());

/** The answer as it arrives, none of it read yet. */
const asked = (path: string, body: object): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const asking = request(`${server.url}${path}`, { method: 'POST', agent: false }, (response) => {
      response.pause();
      resolve(response);
    });
    asking.setHeader('content-type', 'application/json');
    asking.once('error', reject);
    asking.end(JSON.stringify({ ...body, stream: true }));
  });

const messages = [{ role: 'user', content: 'Hello' }];
const dialects = [
  { path: '/v1/chat/completions', body: { model: 'text_gen', messages }, end: 'data: [DONE]' },
  { path: '/v1/messages', body: { model: 'text_gen', max_tokens: 9, messages }, end: 'event: message_stop' },
  { path: '/v1/responses', body: { model: 'text_gen', input: 'Hello' }, end: 'event: response.completed' },
];
const ways = [1, 200].flatMap((pieces) => dialects.map((dialect) => ({ pieces, ...dialect })));

test.each(ways)('2 MB at once in $pieces pieces reach a reader of $path that is slow for a moment', async (way) => {
  const piece = 'x'.repeat(2_000_000 / way.pieces);
  server.tasks.script = answers(...Array.from({ length: way.pieces }, () => piece));
  const response = await asked(way.path, way.body);
  // The whole answer is made while nothing of it is read.
  await new Promise((resolve) => setImmediate(resolve));
  let said = '';
  for await (const chunk of response) said += String(chunk);
  expect(said.match(/x{10000}/g)?.length).toBeGreaterThanOrEqual(200);
  expect(said).toContain(way.end);
  expect(said).not.toContain('reader_too_slow');
});
