import { connectClient, type TaskClient } from '@will/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';
import { type TestKeys, testKeys } from '../../testing/test-keys.ts';
import { busNaming, NamedBackends } from './named-backends.ts';

// Who is named, on every server: by any spelling of its name, or rejected.

let open: TestServer;
let grpc: TaskClient;
let guarded: TestServer;
let keys: TestKeys;
beforeAll(async () => {
  open = await startTestServer();
  grpc = await connectClient({ servers: `grpc://${open.grpcAddress}` });
  keys = testKeys();
  guarded = await startTestServer(100, keys.guard);
});
afterAll(async () => {
  await grpc.close();
  await Promise.all([open.stop(), guarded.stop()]);
});
beforeEach(() => {
  open.tasks.requests.length = 0;
  guarded.tasks.requests.length = 0;
});

const chat = { model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] };
const json = { 'content-type': 'application/json' };
/** Header values carry the bytes of UTF-8 one by one. */
const inHeader = (name: string): string => Buffer.from(name).toString('latin1');

/** Ways to name a client or project, each of a task that then arrives or is refused. */
const ways: readonly (readonly [string, (who: Record<string, string>) => Promise<number>])[] = [
  [
    'HTTP header',
    async (who) => {
      const named = Object.entries(who).map(([what, name]) => [`x-will-${what}`, inHeader(name)]);
      return (await open.post(chat, Object.fromEntries(named))).status;
    },
  ],
  [
    'metadata',
    async (who) => {
      const named = Object.entries(who).map(([what, name]) => [`will_${what}`, name]);
      return (await open.post({ ...chat, metadata: Object.fromEntries(named) })).status;
    },
  ],
  [
    'gRPC',
    async (who) => {
      const run = grpc.run({ type: 'text_gen', input: 'ping', ...who });
      return await run.then(
        () => 200,
        (error: { code: string }) => (['unknown_client', 'unknown_project'].includes(error.code) ? 400 : 403),
      );
    },
  ],
];

const spellings = [
  'Müller Recht',
  'MU\u0308LLER RECHT',
  'm-ller-recht',
  'ｍüller  recht',
  'Mü\u200bller Recht',
  'kanzlei м',
];

test.each(ways)('by %s every spelling of a client is that client', async (_way, ask) => {
  for (const client of spellings) expect([client, await ask({ client })]).toEqual([client, 200]);
  expect(open.tasks.requests.map(({ client }) => client)).toEqual(spellings.map(() => 'm-ller-recht'));
});

test.each(ways)(
  'by %s a client or project that no document has is rejected, and no task is made of it',
  async (_way, ask) => {
    for (const who of [
      { client: 'Muller Recht' },
      { client: 'müller-recht' },
      { client: 'AcmeLegall' },
      { client: 'Юрист' },
      { client: 'acme', project: 'nope' },
    ])
      expect([who, await ask(who)]).toEqual([who, 400]);
    expect(open.tasks.requests).toEqual([]);
  },
);

test.each(ways)('by %s a project names its client, and is blocked with another one', async (_way, ask) => {
  expect(await ask({ project: 'MERGER 7' })).toBe(200);
  expect(open.tasks.requests.at(-1)).toMatchObject({ client: 'acmelegal', project: 'merger-7' });
  expect(await ask({ client: 'acme', project: 'Merger 7' })).toBe(403);
  expect(open.tasks.requests).toHaveLength(1);
});

test('the client library shows its key over gRPC: who it is comes with the key, and without one it is refused', async () => {
  const servers = `grpc://${guarded.grpcAddress}`;
  const apiKey = await keys.give('acme', 'caller');
  const withKey = await connectClient({ servers, apiKey });
  const without = await connectClient({ servers });
  try {
    expect(await withKey.run({ type: 'text_gen', input: 'ping' })).toMatchObject({ model: 'llama' });
    expect(guarded.tasks.requests).toMatchObject([{ client: 'acme' }]);
    await expect(without.run({ type: 'text_gen', input: 'ping' })).rejects.toThrow(/key/);
  } finally {
    await Promise.all([withKey.close(), without.close()]);
  }
});

test('a file that is put away belongs to the client of the project that is named', async () => {
  const form = new FormData();
  form.set('model', 'auto');
  form.set('file', new File([new Uint8Array(600 * 1024)], 'a.wav'));
  const headers = { 'x-will-project': 'MERGER 7' };
  const answer = await fetch(`${open.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: form });
  expect(answer.status).toBe(200);
  expect(open.tasks.requests.at(-1)).toMatchObject({ client: 'acmelegal', payload: { object: 'acmelegal.fake' } });
});

test('without keys, on this machine alone, names like it are told', async () => {
  const answer = await open.post(chat, { 'x-will-client': 'AcmeLegall' });
  expect(await answer.json()).toMatchObject({
    error: { code: 'unknown_client', message: expect.stringContaining('nearest: "AcmeLegal"') as string },
  });
});

test('a plain call without any attribute is the client default', async () => {
  expect((await open.post(chat)).status).toBe(200);
  expect(open.tasks.requests.at(-1)?.client).toBe('default');
});

test('by a key an unknown project and another client’s get the same answer on every server', async () => {
  const key = await keys.give('acme', 'caller');
  const authorization = `Bearer ${key}`;
  const answer = async (path: string, body: object, headers: Record<string, string>) => {
    const init = { method: 'POST', headers: { ...json, authorization, ...headers }, body: JSON.stringify(body) };
    const response = await fetch(`${guarded.url}${path}`, init);
    return [response.status, await response.text()] as const;
  };
  const askers = [
    (project: string) => answer('/v1/chat/completions', chat, { 'x-will-project': project }),
    (project: string) => answer('/v1/tasks', { type: 'text_gen', input: 'x', project }, {}),
    (project: string) => answer('/v1/explain', { type: 'text_gen', project }, {}),
  ];
  for (const ask of askers) {
    const [unknown, foreign] = [await ask('no-such-1'), await ask('merger-7')];
    expect(foreign).toEqual([
      403,
      unknown[1].replaceAll('no-such-1', 'merger-7').replace(/"task_id":"[^"]*"/, taskIdOf(foreign[1])),
    ]);
    expect(foreign[1]).toContain('"forbidden"');
    expect(foreign[1].toLowerCase()).not.toContain('acmelegal');
  }
  const [unknownClient, foreignClient] = [
    await answer('/v1/chat/completions', chat, { 'x-will-client': 'nobody' }),
    await answer('/v1/chat/completions', chat, { 'x-will-client': 'globex' }),
  ];
  expect(foreignClient[0]).toBe(403);
  expect(unknownClient[0]).toBe(403);
  expect(guarded.tasks.requests).toEqual([]);
  expect((await answer('/v1/chat/completions', chat, { 'x-will-project': 'SITE' }))[0]).toBe(200);
});

const taskIdOf = (body: string): string => /"task_id":"[^"]*"/.exec(body)?.[0] ?? '';

test('a key whose client has no document any more opens nothing', async () => {
  const key = await keys.give('gone', 'caller');
  const answer = await guarded.post(chat, { authorization: `Bearer ${key}` });
  expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('has no document any more')]);
  expect(keys.refused.at(-1)).toMatchObject({ why: 'client without a document' });
});

test('what the router ignores is told in a header of the answer', async () => {
  const { script } = open.tasks;
  const notice = 'no reflex has the slug, name or alias "nope"; it is ignored';
  open.tasks.script = async function noticed(...args) {
    return { ...(await script(...args)), notices: [notice] };
  };
  const answer = await open.post(chat, { 'x-will-reflex': 'nope' });
  open.tasks.script = script;
  expect([answer.status, answer.headers.get('x-will-notice')]).toEqual([200, notice]);
  expect(open.tasks.requests.at(-1)?.reflex).toBe('nope');
});

test('on the bus a client is named by its slug alone', async () => {
  const { client } = new NamedBackends(open.backends, busNaming(undefined));
  const ask = (name: string) => client?.run({ client: name, type: 'text_gen', input: 'ping' });
  await ask('m-ller-recht');
  expect(open.tasks.requests).toMatchObject([{ client: 'm-ller-recht' }]);
  for (const name of ['Kanzlei М', 'Müller Recht', 'AcmeLegal'])
    await expect(ask(name)).rejects.toMatchObject({ code: 'unknown_client' });
  expect(open.tasks.requests).toHaveLength(1);
});
