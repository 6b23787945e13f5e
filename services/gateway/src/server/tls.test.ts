import { credentials, makeGenericClientConstructor, type ServiceError, status } from '@grpc/grpc-js';
import { grpcMethodsOf, wire } from '@will/contracts';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { testCertificate } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGuard } from '../auth/keys/guard.ts';
import { startTestServer } from '../testing/test-server.ts';
import { ServerCertificate, tlsFilesOf } from './tls.ts';

let folder: string;
const errors: string[] = [];
const onError = (what: string, error: unknown): void => void errors.push(`${what}: ${(error as Error).message}`);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-tls-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function files(name: string, days?: number) {
  const made = await testCertificate(name, days);
  const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  await writeFile(paths.cert, made.cert);
  await writeFile(paths.key, made.key);
  return { paths, ...made };
}

/** Status of a model list over TLS, and the common name of who answered. */
function asked(port: number, ca: string): Promise<[number | undefined, string | undefined]> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/v1/models', ca, agent: false }, (response) => {
      const { CN } = (response.socket as TLSSocket).getPeerCertificate().subject;
      response.resume();
      resolve([response.statusCode, String(CN)]);
    }).on('error', reject);
  });
}

async function askedByGrpc(address: string, ca: string | undefined): Promise<number> {
  const Client = makeGenericClientConstructor(grpcMethodsOf(wire.TaskService) as never, 'test');
  const client = new Client(
    // Node takes no address for the name of a server.
    address.replace('127.0.0.1', 'localhost'),
    ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca)),
  );
  const run = (client as unknown as Record<string, (...args: unknown[]) => void>)['run'];
  const code = await new Promise<number>((resolve) => {
    run?.call(client, { prompt: 'ping', task: { type: 'text_gen' } }, (error: ServiceError | null) =>
      resolve(error?.code ?? status.OK),
    );
  });
  client.close();
  return code;
}

test('HTTP and gRPC speak TLS with the certificate of the settings, and take up a renewed one while they serve', async () => {
  const first = await files('first');
  const second = await testCertificate('second');
  const certificate = new ServerCertificate(first.paths, onError);
  const server = await startTestServer(100, openGuard, certificate);
  const port = Number(new URL(server.url).port);
  expect(await asked(port, first.cert)).toEqual([200, 'first']);
  expect(await askedByGrpc(server.grpcAddress, first.cert)).toBe(status.OK);
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  expect(await askedByGrpc(server.grpcAddress, undefined)).toBe(status.UNAVAILABLE);

  await writeFile(first.paths.cert, second.cert);
  certificate.reload();
  // Half of it is there: the key is still the old one's.
  expect(errors).toEqual([expect.stringContaining('first.key is not the key of the certificate')]);
  certificate.reload();
  expect(errors).toHaveLength(1);
  expect(await asked(port, first.cert)).toEqual([200, 'first']);
  await writeFile(first.paths.key, second.key);
  certificate.reload();
  expect(await asked(port, second.cert)).toEqual([200, 'second']);
  expect(await askedByGrpc(server.grpcAddress, second.cert)).toBe(status.OK);
  certificate.stop();
  await server.stop();
});

test('what speaks less than TLS 1.2 is refused', async () => {
  const { paths, cert } = await files('old');
  const certificate = new ServerCertificate(paths, onError);
  const server = await startTestServer(100, openGuard, certificate);
  for (const port of [Number(new URL(server.url).port), Number(server.grpcAddress.split(':')[1])]) {
    const protocolOf = async (maxVersion: 'TLSv1.1' | 'TLSv1.2'): Promise<string | null> => {
      const options = { port, ca: cert, minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      const socket = connect({ ...options, ALPNProtocols: ['h2', 'http/1.1'] });
      await Promise.race([once(socket, 'secureConnect'), once(socket, 'error')]).catch(() => {});
      const protocol = socket.authorized ? socket.getProtocol() : null;
      socket.destroy();
      return protocol;
    };
    expect(await protocolOf('TLSv1.1')).toBeNull();
    expect(await protocolOf('TLSv1.2')).toBe('TLSv1.2');
  }
  certificate.stop();
  await server.stop();
});

test('what is wrong with the files is told by name before anything is served', async () => {
  const [good, other, ended] = [await files('good'), await files('other'), await files('ended', -1)];
  const open = (cert: string, key: string) => () => new ServerCertificate({ cert, key }, onError);
  expect(open(join(folder, 'none'), good.paths.key)).toThrow(/WILL_TLS_CERT .*none cannot be read \(ENOENT\)/);
  expect(open(good.paths.cert, folder)).toThrow(/WILL_TLS_KEY .* cannot be read \(EISDIR\)/);
  expect(open(good.paths.key, good.paths.key)).toThrow(/WILL_TLS_CERT .* must hold a certificate in PEM/);
  expect(open(good.paths.cert, good.paths.cert)).toThrow(/WILL_TLS_KEY .* must hold a private key in PEM/);
  expect(open(good.paths.cert, other.paths.key)).toThrow(/other.key is not the key of the certificate/);
  expect(open(ended.paths.cert, ended.paths.key)).toThrow(/ended at .*: renew it/);
  expect(() => tlsFilesOf({ tlsCert: 'x', tlsKey: undefined })).toThrow('must be set together');
  expect(tlsFilesOf({ tlsCert: undefined, tlsKey: undefined })).toBeUndefined();
});
