import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEgress, type Reach } from './index.ts';

const { lookup } = dns;
/** A name server that hides an address behind one that may be called. */
let hidden = '169.254.169.254';
const hiding = (_host: string, _options: object, callback: (error: null, addresses: object[]) => void): void =>
  callback(null, [
    { address: '127.0.0.1', family: 4 },
    { address: hidden, family: 4 },
  ]);

beforeAll(() => {
  dns.lookup = hiding as unknown as typeof lookup;
  syncBuiltinESMExports();
});
afterAll(() => {
  dns.lookup = lookup;
  syncBuiltinESMExports();
});

async function failureAt(reach: Reach): Promise<string> {
  const egress = openEgress('http://models.example:1', reach);
  const failure = await new Promise<string>((resolve) => {
    egress.send(
      { method: 'GET', path: '/', headers: {}, headersTimeoutMs: 5_000, idleTimeoutMs: 5_000 },
      { started: () => resolve('started'), data() {}, ended: () => resolve('ended'), failed: resolve },
    );
  });
  await egress.close();
  return failure;
}

test.each(['any', 'private', 'public'] as const)(
  'a name that resolves to a metadata service is not called (reach: %s)',
  async (reach) => {
    hidden = '169.254.169.254';
    expect(await failureAt(reach)).toBe('EPRIVATE');
  },
);

test('a name that counts as private is called only where every address that it resolves to is not public', async () => {
  hidden = '93.184.215.14';
  expect(await failureAt('private')).toBe('EPRIVATE');
  hidden = '10.96.0.12';
  expect(await failureAt('private')).not.toBe('EPRIVATE');
});
