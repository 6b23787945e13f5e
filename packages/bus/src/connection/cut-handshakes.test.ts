import { connect, createServer, type Socket } from 'node:net';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectBus } from './connect.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(() => nats.stop());

/** Stands before a server. While `cuts` is above 0 it closes each new connection once the client has said who it is. */
async function startCuttingProxy() {
  const state = { cuts: 0, dials: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    state.dials += 1;
    const target = connect(nats.port, '127.0.0.1');
    for (const each of [socket, target]) {
      sockets.add(each);
      each.on('error', () => {});
    }
    socket.once('close', () => target.destroy());
    target.once('close', () => socket.destroy());
    target.pipe(socket);
    if (state.cuts === 0) return void socket.pipe(target);
    state.cuts -= 1;
    socket.once('data', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    state,
    port: (server.address() as { port: number }).port,
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a server that closes connections within their handshake is dialled again at once, not after the connect timeout', async () => {
  const proxy = await startCuttingProxy();
  const bus = await connectBus({ servers: `nats://127.0.0.1:${proxy.port}`, processId: 'p1', inboxScope: 'test' });
  const isBack = new Promise<void>((resolve) => bus.onConnectionChange((isConnected) => isConnected && resolve()));
  // One after the other, each with a whole timeout, they would take minutes.
  proxy.state.cuts = 20;
  proxy.cutAll();
  await isBack;
  expect([proxy.state.cuts, proxy.state.dials]).toEqual([0, 22]);
  await bus.close();
  await proxy.close();
});
