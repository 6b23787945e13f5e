import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { resolveCaller } from '@will/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spellingsOf } from '../../testing/spellings.ts';
import { sampleSnapshot, startTestServer, type TestServer } from '../../testing/test-server.ts';
import { busNaming, NamedBackends } from './named-backends.ts';

// A client with rules, in many spellings, by every way in: it is that client, or the request is rejected. Served as
// anybody else, as `default` above all, its prompts would be free. The whole: WILL_SPELLINGS=500.

const slug = 'm-ller-recht';
const spellings = spellingsOf(['Müller Recht', 'Kanzlei М', slug], Number(process.env['WILL_SPELLINGS'] ?? 60));

let server: TestServer;
let grpc: Client;
beforeAll(async () => {
  server = await startTestServer(1_000);
  grpc = new Client(server.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  grpc.close();
  await server.stop();
});

const chat = { model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] };
const inHeader = (name: string): string => Buffer.from(name).toString('latin1');

const byGrpc = (client: string, metadata: Metadata): Promise<boolean> =>
  new Promise((resolve) => {
    const bytes = toBinary(
      wire.RunRequestSchema,
      create(wire.RunRequestSchema, { client, prompt: 'ping', task: { type: 'text_gen' } }),
    );
    grpc.makeUnaryRequest(
      '/will.v1.TaskService/Run',
      (message: Buffer) => message,
      (answer: Buffer) => fromBinary(wire.RunResponseSchema, answer),
      Buffer.from(bytes),
      metadata,
      (error) => resolve(error === null),
    );
  });

/** Whether the request was served; one that the library cannot even send is not. */
const ways: readonly (readonly [string, (name: string) => Promise<boolean>])[] = [
  ['HTTP header', async (name) => (await server.post(chat, { 'x-will-client': inHeader(name) })).ok],
  ['HTTP metadata', async (name) => (await server.post({ ...chat, metadata: { will_client: name } })).ok],
  ['gRPC message', (name) => byGrpc(name, new Metadata())],
  [
    'gRPC metadata',
    async (name) => {
      const metadata = new Metadata();
      metadata.set('x-will-client', name);
      return byGrpc('', metadata);
    },
  ],
  [
    'JSON on the bus',
    async (client) => {
      const named = new NamedBackends(server.backends, busNaming(undefined));
      await named.client?.run({ client, type: 'text_gen', input: 'ping' });
      return true;
    },
  ],
];

test.each(ways)('by %s each spelling is that client or rejected', async (_way, ask) => {
  let served = 0;
  for (const name of spellings) {
    server.tasks.requests.length = 0;
    const isServed = await ask(name).catch(() => false);
    const clients = server.tasks.requests.map(({ client }) => client);
    expect([name, clients]).toEqual([name, isServed ? [slug] : []]);
    if (isServed) served += 1;
  }
  // Neither all nor none: what was sent did arrive, and not everything is a name.
  expect(served).toBeLessThan(spellings.length);
  expect(served).toBeGreaterThan(0);
});

test('by protobuf on the bus, and by the command line, the same resolver decides', () => {
  const snapshot = sampleSnapshot();
  const found = spellings.map((client) => {
    const who = resolveCaller(snapshot, { client }, { clientOfProject: false });
    return 'rule' in who ? who.rule : who.client;
  });
  expect([...new Set(found)].sort()).toEqual([slug, 'unknown_client']);
});
