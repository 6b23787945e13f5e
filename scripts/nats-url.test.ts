import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startNatsServer } from '@will/testkit';
import { checkNatsUrl, isOlder } from './nats-url.ts';

const opened: Server[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Something that greets every connection with this text. */
async function greeter(text: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(text);
  });
  opened.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a real nats-server with JetStream is accepted', async () => {
  const nats = await startNatsServer();
  await expect(checkNatsUrl(nats.url)).resolves.toBeUndefined();
  await nats.stop();
});

test('an old server, one without JetStream and something else entirely are each named with what is wrong', async () => {
  const old = await greeter('INFO {"version":"2.13.9","jetstream":true}\r\n');
  await expect(checkNatsUrl(old)).rejects.toThrow('is 2.13.9, 2.14.0 or newer is needed');
  const plain = await greeter('INFO {"version":"2.15.1"}\r\n');
  await expect(checkNatsUrl(plain)).rejects.toThrow('runs without JetStream');
  const mail = await greeter('220 mail ready\r\n');
  await expect(checkNatsUrl(mail)).rejects.toThrow('what answers there is no nats-server');
  await expect(checkNatsUrl('http://127.0.0.1')).rejects.toThrow('must be nats:// or tls://');
});

test('a password in the address is not shown', async () => {
  const failure = await checkNatsUrl('nats://me:hidden@127.0.0.1:1').catch((error: Error) => error.message);
  expect(failure).toContain('no nats-server answers at 127.0.0.1:1');
  expect(failure).not.toContain('hidden');
});

test('versions are compared by their numbers', () => {
  expect(isOlder('2.9.10', '2.14.0')).toBe(true);
  expect(isOlder('2.14.0', '2.14.0')).toBe(false);
  expect(isOlder('2.15.0-RC.1', '2.14.0')).toBe(false);
  expect(isOlder('3.0.0', '2.14.0')).toBe(false);
});
