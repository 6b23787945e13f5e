import { connectClient, type TaskClient, TaskError } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// The nats-server is gone: the caller that asks is told so at once by every server, nothing is sent into the void, and all goes on when
// it is back.

/** The exit code of `willm` where the bus cannot be reached. */
const unreachable = 3;

let upstream: ReplayingUpstream;
let system: System;
let overGrpc: TaskClient;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  upstream.script('plain', { kind: 'answer' });
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'plain', tags: 'plain', endpoint: `${upstream.url}/v1` }),
        routeDocument('plain', 'plain'),
      ),
    },
    counts: { tasks: 1, gateway: 1 },
  });
  overGrpc = await connectClient({ servers: `grpc://${system.grpcAddress}`, client: 'test' });
  await system.untilServed('plain');
});
afterAll(async () => {
  await overGrpc?.close();
  await system?.stop();
  await upstream?.close();
});

const timeoutMs = 20_000;
const task = { type: 'plain', input: 'Hello', timeoutMs } as const;
const chat = { model: 'plain', messages: [{ role: 'user', content: 'Hello' }] };

/** What a server says; undefined: it did what was asked. */
type Told = string | undefined;

const byClient = (asked: () => Promise<unknown>) => async (): Promise<Told> =>
  asked().then(
    () => undefined,
    (error: unknown) => (error instanceof TaskError ? `${error.code}: ${error.message}` : String(error)),
  );

const byHttp = (path: string, body?: object) => async (): Promise<Told> => {
  const headers = { 'content-type': 'application/json', 'x-will-client': 'test' };
  const sent = body && { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${system.httpUrl}${path}`, { headers, ...sent });
  const text = await response.text();
  if (response.ok) return undefined;
  const again = response.headers.get('retry-after');
  return response.status === 503 && again !== null ? `unavailable: ${text}` : `${response.status} ${again} ${text}`;
};

const byWillm =
  (...args: string[]) =>
  async (): Promise<Told> => {
    const { code, err } = await willmAt(system.nats.url)(...args);
    if (code === 0) return undefined;
    return `${code === unreachable ? 'unavailable' : `exit code ${code}`}: ${err}`;
  };

const runs: readonly (readonly [server: string, ask: () => Promise<Told>])[] = [
  ['run by the bus', byClient(() => system.client.run(task))],
  ['run by gRPC', byClient(() => overGrpc.run(task))],
  ['chat by HTTP', byHttp('/v1/chat/completions', chat)],
  ['stream by HTTP', byHttp('/v1/chat/completions', { ...chat, stream: true })],
  ['response by HTTP', byHttp('/v1/responses', { model: 'plain', input: 'Hello' })],
  ['message by HTTP', byHttp('/v1/messages', { ...chat, max_tokens: 50 })],
];
const submits: typeof runs = [
  ['submit by the bus', byClient(() => system.client.submit(task))],
  ['submit by gRPC', byClient(() => overGrpc.submit(task))],
  ['submit by HTTP', byHttp('/v1/tasks', { type: 'plain', input: 'Hello' })],
];
const questions: typeof runs = [
  ['explain by the bus', byClient(() => system.client.explain({ type: 'plain' }))],
  ['explain by gRPC', byClient(() => overGrpc.explain({ type: 'plain' }))],
  ['tasks by HTTP', byHttp('/v1/tasks')],
];
const programs: typeof runs = [
  ['willm run', byWillm('run', 'plain', 'Hello')],
  ['willm submit', byWillm('submit', 'plain', 'Hello', '--client', 'test')],
];

test('while NATS is not connected every server says so at once and nothing is done later; all work again when it is back', async () => {
  const servers = [...runs, ...submits, ...questions];
  for (const [server, ask] of servers) expect([server, await ask()]).toEqual([server, undefined]);
  await untilDone(submits.length);

  await system.nats.kill();
  const before = upstream.requests.length;
  for (const [server, ask] of [...servers, ...programs]) {
    const fromMs = performance.now();
    expect([server, await ask()]).toEqual([server, expect.stringMatching(/^unavailable: .*(NATS|bus|nats-server)/)]);
    // At once, on any machine: nobody waits for what can not come.
    expect([server, performance.now() - fromMs < timeoutMs / 2]).toEqual([server, true]);
  }

  await system.nats.restart();
  await system.untilServed('plain');
  // Each service finds the server again by itself; until then a server says that it is away, and does nothing.
  for (const [server, ask] of [...servers, ...programs])
    await expect.poll(async () => [server, await ask()], { interval: 100 }).toEqual([server, undefined]);
  await untilDone(2 * submits.length + 1);
  // What was asked since, and nothing of what was asked while it was away.
  expect(upstream.requests.length - before).toBe(runs.length + submits.length + programs.length);
});

/** Resolves when so many durable tasks in all are done. */
async function untilDone(count: number): Promise<void> {
  const states = async (): Promise<readonly string[]> => {
    const { out } = await willmAt(system.nats.url)('tasks', 'ls', '--client', 'test', '--json');
    return (JSON.parse(out) as { state: string }[]).map(({ state }) => state);
  };
  await expect.poll(states, { interval: 200 }).toEqual(Array.from({ length: count }, () => 'succeeded'));
}
