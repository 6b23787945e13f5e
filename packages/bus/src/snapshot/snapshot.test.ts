import { fromBinary } from '@bufbuild/protobuf';
import { jetstreamManager } from '@nats-io/jetstream';
import type { AnyDocument } from '@will/core';
import { names, wire } from '@will/contracts';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bus } from '../api.ts';
import { connectBus } from '../connection/connect.ts';
import { registryBucket } from './snapshot-bucket.ts';
import { openSnapshotPublisher, type PublishedDocument, type SnapshotPublisher } from './snapshot-publisher.ts';
import { followSnapshot, type FollowOptions, type SnapshotView } from './snapshot-reader.ts';

let server: NatsServer;
let writing: Bus;
let reading: Bus;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startNatsServer();
  writing = await connectBus({ servers: server.url, processId: 'registry-test', inboxScope: 'registry' });
  reading = await connectBus({ servers: server.url, processId: 'reader-test', inboxScope: 'router' });
});

afterAll(async () => {
  await Promise.all([writing?.close(), reading?.close()]);
  await server?.stop();
});

const model = (name: string, tag = 'text_gen'): PublishedDocument => {
  const document: AnyDocument = {
    kind: 'model',
    body: {
      name,
      slug: name.toLowerCase(),
      aliases: [],
      tags: [tag],
      call_method: 'API',
      provider: 'x',
      capabilities: [],
      tier: 'standard',
    },
  };
  return { document, revision: 1, author: 'test', updatedAtMs: 0 };
};

/** Each test has the bucket for itself: it begins without one. */
async function withBucket(incarnation: string, work: (publisher: SnapshotPublisher) => Promise<void>): Promise<void> {
  const manager = await jetstreamManager(writing.connection);
  await manager.streams.delete(`KV_${names.registryBucket}`).catch(() => {});
  const publisher = await openSnapshotPublisher(writing, { incarnation });
  try {
    await work(publisher);
  } finally {
    await publisher.stop();
    for (const stop of stops.splice(0)) await stop();
  }
}

/** Resolves once the snapshot was confirmed lately. */
async function untilYoung(view: SnapshotView): Promise<void> {
  while (view.ageMs() > 1_000) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function keyOfDocument(slug: string): Promise<string> {
  const bucket = await registryBucket(reading);
  for (const key of await keys()) {
    const entry = await bucket.get(key);
    if (key.startsWith('doc.') && entry && fromBinary(wire.DocumentSchema, entry.value).slug === slug) return key;
  }
  throw new Error(`no document ${slug}`);
}

async function follow(options: FollowOptions = {}): Promise<SnapshotView> {
  const view = await followSnapshot(reading, options);
  stops.push(() => view.stop());
  return view;
}

const changeOf = (view: SnapshotView): Promise<void> =>
  new Promise((resolve) => {
    const stop = view.onChange(() => {
      stop();
      resolve();
    });
  });

const keys = async (): Promise<string[]> => {
  const found: string[] = [];
  for await (const key of await (await registryBucket(reading)).keys()) found.push(key);
  return found;
};

test('a reader that comes before the registry has nothing, then gets the first revision', async () => {
  await withBucket('a', async (publisher) => {
    const view = await follow();
    expect(view.current).toBeUndefined();
    expect(view.ageMs()).toBe(Number.POSITIVE_INFINITY);
    expect(await view.untilRevision(1, 1)).toBe(false);
    const reached = view.untilRevision(1, 5_000);
    await publisher.publish(1, [model('A'), model('B')]);
    expect(await reached).toBe(true);
    expect([...(view.current?.models.keys() ?? [])]).toEqual(['a', 'b']);
    await untilYoung(view);
  });
});

test('a reader that comes later starts with what is published, and follows every revision', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A')]);
    const view = await follow();
    expect(view.current?.revision).toBe(1);
    const changed = changeOf(view);
    await publisher.publish(2, [model('A'), model('B')]);
    await changed;
    expect([view.current?.revision, view.current?.models.size]).toEqual([2, 2]);
    await publisher.publish(3, []);
    expect(await view.untilRevision(3, 5_000)).toBe(true);
    expect(view.current?.models.size).toBe(0);
  });
});

test('a head whose documents are not all there changes nothing until they are', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A'), model('B')]);
    const bucket = await registryBucket(writing);
    const key = (await keys()).find((name) => name.startsWith('doc.')) as string;
    const content = (await bucket.get(key))?.value as Uint8Array;
    await bucket.purge(key);
    const view = await follow();
    expect(view.current).toBeUndefined();
    await bucket.put(key, content);
    expect(await view.untilRevision(1, 10_000)).toBe(true);
    expect(view.current?.models.size).toBe(2);
  });
});

test('a snapshot stays young without a registry, and grows old without the bus', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A')]);
    const nowMs = performance.now();
    let passedMs = 0;
    const view = await follow({ nowMs: () => nowMs + passedMs });
    await untilYoung(view);
    await publisher.stop();
    passedMs = 60_000;
    expect(view.ageMs()).toBeGreaterThan(59_000);
    // Nobody writes any more: the stream's leader still says that this is the head.
    await untilYoung(view);
    server.suspend();
    passedMs = 120_000;
    // Longer than a confirmation takes that was on its way.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(view.ageMs()).toBeGreaterThanOrEqual(59_000);
    server.resume();
    await untilYoung(view);
  });
});

test('a snapshot that is not the head is not confirmed', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A'), model('B')]);
    let passedMs = 0;
    const view = await follow({ nowMs: () => passedMs });
    await untilYoung(view);
    // The next revision cannot be read whole here, so what is in force is known to be old.
    await publisher.publish(2, [model('C')]);
    const bucket = await registryBucket(writing);
    const key = await keyOfDocument('c');
    expect(await view.untilRevision(2, 5_000)).toBe(true);
    await bucket.purge(key);
    const late = await follow({ nowMs: () => passedMs });
    passedMs = 60_000;
    await untilYoung(view);
    expect(late.current).toBeUndefined();
    expect(late.ageMs()).toBe(Number.POSITIVE_INFINITY);
  });
});

test('old keys go: only the two newest manifests and their documents stay', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A', 'one')]);
    await publisher.publish(2, [model('A', 'two')]);
    await publisher.publish(3, [model('A', 'three')]);
    const left = await keys();
    expect(left.filter((key) => key.startsWith('manifest.'))).toHaveLength(2);
    expect(left.filter((key) => key.startsWith('doc.'))).toHaveLength(2);
    expect(left).toContain('head');
  });
});

test('a registry that starts again takes over what it left, and readers see no change', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(4, [model('A')]);
    const view = await follow();
    const before = view.current;
    await publisher.stop();
    const again = await openSnapshotPublisher(writing, { incarnation: 'a' });
    stops.push(() => again.stop());
    await again.publish(4, [model('A')]);
    expect(view.current).toBe(before);
    await again.publish(5, [model('A'), model('B')]);
    expect(await view.untilRevision(5, 5_000)).toBe(true);
  });
});

test('another store may begin at a lower revision; the registry of a living one is refused', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(9, [model('A')]);
    const view = await follow();
    await expect(openSnapshotPublisher(writing, { incarnation: 'b' })).rejects.toMatchObject({ code: 'unsuitable' });
    await publisher.stop();
    const other = await openSnapshotPublisher(writing, { incarnation: 'b' });
    stops.push(() => other.stop());
    const changed = changeOf(view);
    await other.publish(1, [model('B')]);
    await changed;
    expect([view.current?.revision, [...(view.current?.models.keys() ?? [])]]).toEqual([1, ['b']]);
  });
});

test('a bucket that is lost is filled again from the store, and readers go on', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A')]);
    const view = await follow();
    const manager = await jetstreamManager(writing.connection);
    await manager.streams.delete(`KV_${names.registryBucket}`);
    await publisher.publish(2, [model('A'), model('B')]);
    expect(await view.untilRevision(2, 15_000)).toBe(true);
    await manager.streams.delete(`KV_${names.registryBucket}`);
    const late = async (): Promise<boolean> => {
      const next = await followSnapshot(reading);
      stops.push(() => next.stop());
      return next.untilRevision(2, 10_000);
    };
    expect(await late()).toBe(true);
  });
});

test('a restart of the server loses nothing', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A')]);
    const view = await follow();
    const back = Promise.all([returned(writing), returned(reading)]);
    await server.restart();
    await back;
    expect(view.current?.revision).toBe(1);
    await publisher.publish(2, [model('B')]);
    expect(await view.untilRevision(2, 10_000)).toBe(true);
  });
});

const returned = (bus: Bus): Promise<void> =>
  new Promise((resolve) => {
    const stop = bus.onConnectionChange((isConnected) => {
      if (!isConnected) return;
      stop();
      resolve();
    });
  });

test('documents that do not compile change nothing, and the snapshot in force grows old', async () => {
  await withBucket('a', async (publisher) => {
    await publisher.publish(1, [model('A')]);
    const errors: string[] = [];
    const told = Promise.withResolvers<void>();
    const view = await followSnapshot(reading, {
      onError: (what) => {
        errors.push(what);
        told.resolve();
      },
    });
    stops.push(() => view.stop());
    const broken = { ...model('B').document, body: { slug: 'b', name: 'B' } } as unknown as AnyDocument;
    await publisher.publish(2, [{ ...model('B'), document: broken }]);
    await told.promise;
    expect([view.current?.revision, errors]).toEqual([1, ['revision 2 of the registry cannot be used']]);
    await publisher.publish(3, [model('C')]);
    expect(await view.untilRevision(3, 5_000)).toBe(true);
  });
});

test('5,000 documents are published and read, and one more is read on top of them', async () => {
  await withBucket('a', async (publisher) => {
    const documents = Array.from({ length: 5_000 }, (_, index) => model(`M${index}`));
    await publisher.publish(1, documents);
    const view = await follow();
    expect(await view.untilRevision(1, 20_000)).toBe(true);
    expect(view.current?.models.size).toBe(5_000);
    const changed = changeOf(view);
    await publisher.publish(2, [...documents, model('one more')]);
    await changed;
    expect(view.current?.models.size).toBe(5_001);
  });
});
