import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectBus, type Bus } from '@will/bus';
import { Pool } from 'undici';

// One of the three processes of the bare path: server, forwarder, worker. Bytes go through as they are; nothing is
// decided, limited, recorded or watched. What it costs is the least that a path of this shape can cost here.

const forward = 'will.v1.bench.forward';
const work = 'will.v1.bench.work';

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function server(bus: Bus): Promise<string> {
  const passOn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = await bus.request(forward, await bytesOf(request), 5_000).catch(() => undefined);
    response.writeHead(answer ? 200 : 502, { 'content-type': 'application/json' });
    response.end(answer);
  };
  const server = createServer((request, response) => void passOn(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Passes a call on; its answer goes straight to the caller that asked first. */
function forwarder(bus: Bus): string {
  bus.serve(forward, 'bench', ({ data, reply }) => {
    bus.publish(work, data, reply);
    return undefined;
  });
  return '';
}

function worker(bus: Bus): string {
  const upstream = new Pool(process.env['BENCH_UPSTREAM'] ?? '', { connections: 64, pipelining: 1 });
  const headers = { 'content-type': 'application/json' };
  bus.serve(work, 'bench', async ({ data }) => {
    const answer = await upstream.request({ method: 'POST', path: '/v1/chat/completions', headers, body: data });
    return new Uint8Array(await answer.body.arrayBuffer());
  });
  return '';
}

const roles: Readonly<Record<string, (bus: Bus) => string | Promise<string>>> = { server, forwarder, worker };
const name = process.env['BENCH_ROLE'] ?? '';
const bus = await connectBus({
  servers: process.env['NATS_URL'] ?? '',
  processId: `bench-${name}`,
  inboxScope: 'bench',
});
const url = await roles[name]?.(bus);
await bus.connection.flush();
process.send?.({ kind: 'ready', url });
process.on('disconnect', () => void bus.close().then(() => process.exit(0)));
