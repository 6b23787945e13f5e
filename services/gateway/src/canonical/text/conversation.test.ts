import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answers } from '../../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('pong');
  server.backends.sessionSecret = Buffer.alloc(32, 1);
});

interface Said {
  readonly path?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The digest that a request's task carries. */
async function sessionOf({
  path = '/v1/chat/completions',
  body = {},
  headers = {},
}: Said): Promise<string | undefined> {
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'gpt-4', messages: [{ role: 'user', content: 'Hello' }], ...body }),
  });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
  return server.tasks.requests.at(-1)?.session;
}

const claude = { path: '/v1/messages', body: { max_tokens: 10 } };
const codex = { path: '/v1/responses', body: { messages: undefined, input: 'Hello' } };

test('what names a conversation becomes a digest of 22 characters that does not hold it', async () => {
  const all = [
    await sessionOf({ ...claude, headers: { 'x-claude-code-session-id': 'session-one' } }),
    await sessionOf({ ...codex, headers: { 'session-id': 'session-two' } }),
    await sessionOf({ ...codex, body: { ...codex.body, prompt_cache_key: 'session-three' } }),
    await sessionOf({ ...claude, body: { max_tokens: 10, metadata: { user_id: 'session-four' } } }),
    await sessionOf({ body: { user: 'session-five' } }),
  ];
  for (const session of all) expect(session).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(new Set(all).size).toBe(5);
});

test('it is the same for each turn, and another one for another client, other tools, another installation', async () => {
  const named = { headers: { 'session-id': 'one' } };
  const first = await sessionOf(named);
  const turn = {
    messages: [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi' },
      { role: 'user', content: 'Go on' },
    ],
  };
  expect(await sessionOf({ ...named, body: turn })).toBe(first);
  expect(await sessionOf({ headers: { ...named.headers, 'x-will-client': 'acme' } })).not.toBe(first);
  const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }];
  expect(await sessionOf({ ...named, body: { tools } })).not.toBe(first);
  server.backends.sessionSecret = Buffer.alloc(32, 2);
  expect(await sessionOf(named)).not.toBe(first);
});

test('a long conversation that has no name is known by its beginning; a short one is not worth it', async () => {
  const system = { role: 'system', content: 'You are an agent. '.repeat(400) };
  const begin = (word: string, ...later: string[]) => ({
    messages: [system, { role: 'user', content: word }, ...later.map((content) => ({ role: 'user', content }))],
  });
  const first = await sessionOf({ body: begin('Mend the test') });
  expect(first).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(await sessionOf({ body: begin('Mend the test', 'And now?') })).toBe(first);
  expect(await sessionOf({ body: begin('Write a poem') })).not.toBe(first);
  expect(await sessionOf({})).toBeUndefined();
});

test('without a secret nothing is told apart', async () => {
  server.backends.sessionSecret = undefined;
  expect(await sessionOf({ headers: { 'session-id': 'one' } })).toBeUndefined();
});

test('a key for prompt caches travels as a digest of the client’s own; how long to keep travels as it is', async () => {
  const hints = {
    prompt_cache_key: 'key-of-caller',
    prompt_cache_retention: '24h',
    prompt_cache_options: { ttl: '12h', mode: 'explicit' },
  };
  const travels = async (said: Said): Promise<Record<string, unknown>> => {
    await sessionOf(said);
    const input = server.tasks.requests.at(-1)?.input as Uint8Array;
    const text = Buffer.from(input).toString();
    expect(text).not.toContain('key-of-caller');
    return JSON.parse(text) as Record<string, unknown>;
  };
  const chat = await travels({ body: hints });
  expect(chat).toMatchObject({
    prompt_cache_key: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    prompt_cache_retention: '24h',
    prompt_cache_options: { ttl: '12h' },
    messages: [{ role: 'user', content: 'Hello' }],
  });
  const responses = await travels({ ...codex, body: { ...codex.body, ...hints } });
  expect(responses['prompt_cache_key']).toBe(chat['prompt_cache_key']);
  const others = await travels({ body: hints, headers: { 'x-will-client': 'acme' } });
  expect(others['prompt_cache_key']).not.toBe(chat['prompt_cache_key']);
  expect(await travels({ headers: { 'session-id': 'one' } })).not.toHaveProperty('prompt_cache_key');
  server.backends.sessionSecret = undefined;
  expect(await travels({ body: hints })).not.toHaveProperty('prompt_cache_key');
});
