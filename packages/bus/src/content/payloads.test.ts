import { create } from '@bufbuild/protobuf';
import { sizes, wire } from '@will/contracts';
import { type NatsServer, startNatsServer } from '@will/testkit';
import { Objm } from '@nats-io/obj';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bus } from '../api.ts';
import { connectBus } from '../connection/connect.ts';
import { openPayloads, type Payloads } from './payloads.ts';

let nats: NatsServer;
let bus: Bus;
let payloads: Payloads;
beforeAll(async () => {
  nats = await startNatsServer();
  bus = await connectBus({ servers: nats.url, processId: 'payloads', inboxScope: 'test' });
  payloads = openPayloads(bus);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const never = new AbortController().signal;
const content = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, at) => at % 251);
const lying = async (): Promise<number> => {
  const stream = await (await new Objm(bus.connection).open('will_payloads')).status();
  return stream.size;
};

test.each([1, 512 * 1024, 512 * 1024 + 1, 3_000_000])('%i bytes come back as they were put', async (bytes) => {
  const put = content(bytes);
  const ref = await payloads.put('acme', put, 'audio');
  expect(ref).toMatchObject({ bytes: BigInt(bytes), field: 'audio' });
  expect(ref.object.startsWith('acme.')).toBe(true);
  expect(Buffer.from(await payloads.get(ref, never)).equals(put)).toBe(true);
  await payloads.remove(ref);
  await expect(payloads.get(ref, never)).rejects.toMatchObject({ code: 'gone' });
});

test('what is removed takes no place any more, and removing it again is no failure', async () => {
  const ref = await payloads.put('acme', content(2_000_000));
  expect(await lying()).toBeGreaterThan(2_000_000);
  await payloads.remove(ref);
  await payloads.remove(ref);
  expect(await lying()).toBeLessThan(100_000);
});

test('content that is too long is refused while it comes, and nothing of it stays', async () => {
  let pieces = 0;
  const endless = ReadableStream.from(
    (function* () {
      for (;;) {
        pieces += 1;
        yield new Uint8Array(1024 * 1024);
      }
    })(),
  );
  await expect(payloads.put('acme', endless)).rejects.toMatchObject({ code: 'too_large' });
  expect(pieces).toBeLessThan(sizes.payloadBytes / (1024 * 1024) + 3);
  await expect.poll(lying).toBeLessThan(100_000);
});

test('a source that breaks off is told as it is, and nothing of it stays', async () => {
  const broken = ReadableStream.from(
    (function* () {
      yield new Uint8Array(2_000_000);
      throw new Error('the caller went');
    })(),
  );
  await expect(payloads.put('acme', broken)).rejects.toThrow('the caller went');
  await expect.poll(lying).toBeLessThan(100_000);
});

test.each([
  ['another digest', { sha256: new Uint8Array(32) }],
  ['another length', { bytes: 999n }],
])('a name with %s does not give the content', async (_what, over) => {
  const ref = await payloads.put('acme', content(1_000));
  const forged = create(wire.PayloadRefSchema, { ...ref, ...over });
  await expect(payloads.get(forged, never)).rejects.toMatchObject({ code: 'wrong' });
  await payloads.remove(ref);
});

test('the bucket holds no more than it may, and says so', async () => {
  const own = await startNatsServer();
  const ownBus = await connectBus({ servers: own.url, processId: 'full', inboxScope: 'test' });
  await new Objm(ownBus.connection).create('will_payloads', { max_bytes: 1_000_000 });
  await expect(openPayloads(ownBus).put('acme', content(2_000_000))).rejects.toMatchObject({ code: 'full' });
  await ownBus.close();
  await own.stop();
});
