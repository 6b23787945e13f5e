import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEgress } from './index.ts';

const { lookup } = dns;
/** A name server that hides the metadata service behind an address that may be called. */
const hiding = (_host: string, _options: object, callback: (error: null, addresses: object[]) => void): void =>
  callback(null, [
    { address: '127.0.0.1', family: 4 },
    { address: '169.254.169.254', family: 4 },
  ]);

beforeAll(() => {
  dns.lookup = hiding as unknown as typeof lookup;
  syncBuiltinESMExports();
});
afterAll(() => {
  dns.lookup = lookup;
  syncBuiltinESMExports();
});

test.each([true, false])(
  'a name that resolves to a metadata service is not called (may be private: %s)',
  async (mayBePrivate) => {
    const egress = openEgress('http://models.example:8080', mayBePrivate);
    const failure = await new Promise<string>((resolve) => {
      egress.send(
        { method: 'GET', path: '/', headers: {}, headersTimeoutMs: 5_000, idleTimeoutMs: 5_000 },
        { started: () => resolve('started'), data() {}, ended: () => resolve('ended'), failed: resolve },
      );
    });
    expect(failure).toBe('EPRIVATE');
    await egress.close();
  },
);
