import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Kvm, type KV, type KvEntry } from '@nats-io/kv';
import { names, wire } from '@will/contracts';
import type { Bus } from '../api.ts';

/** Written when the bucket is opened, so that a watch of it has something to begin with. */
const sentinel = 'all-told';
const maxKeys = 10_000;

/** The keys, for the one service that writes them. */
export interface KeyBucket {
  /** Oldest first, revoked ones too. */
  list(): Promise<readonly wire.Key[]>;
  get(id: string): Promise<wire.Key | undefined>;
  /** @throws when there is such a key already, or too many keys. */
  add(key: wire.Key): Promise<void>;
  /** Takes the place of the key as it was read. @throws when it was changed since. */
  replace(key: wire.Key): Promise<void>;
}

/** Keys as they hold now, for those who ask for them with every request. */
export interface KeysView {
  get(id: string): wire.Key | undefined;
  stop(): void;
}

const open = (bus: Bus): Promise<KV> => new Kvm(bus.connection).create(names.keysBucket, { history: 5 });

/** Opens the bucket of API keys; makes it where it is missing. */
export async function openKeyBucket(bus: Bus): Promise<KeyBucket> {
  const bucket = await open(bus);
  await bucket.put(sentinel, new Uint8Array());
  const revisions = new Map<string, number>();
  const read = async (id: string): Promise<wire.Key | undefined> => {
    const entry = await bucket.get(id);
    const key = entry ? keyOf(entry) : undefined;
    if (entry && key) revisions.set(id, entry.revision);
    return key;
  };
  return {
    get: read,
    async list() {
      const ids: string[] = [];
      for await (const id of await bucket.keys()) if (id !== sentinel) ids.push(id);
      const found = await Promise.all(ids.map(read));
      return found.filter((key) => key !== undefined).sort((a, b) => Number(a.createdUnixMs - b.createdUnixMs));
    },
    async add(key) {
      const { values } = await bucket.status();
      if (values > maxKeys) throw new Error(`${values} keys are kept; at most ${maxKeys} may be`);
      await bucket.create(key.id, toBinary(wire.KeySchema, key));
    },
    async replace(key) {
      await bucket.update(key.id, toBinary(wire.KeySchema, key), revisions.get(key.id) ?? 0);
    },
  };
}

/**
 * Follows the keys. Resolves when the present state is known, which waits for the service that writes them to have
 * started once: without it no key is known, and none is let in.
 */
export async function followKeys(bus: Bus): Promise<KeysView> {
  const bucket = await open(bus);
  const keys = new Map<string, wire.Key>();
  const watcher = await bucket.watch();
  const { promise: allTold, resolve } = Promise.withResolvers<void>();
  void (async () => {
    for await (const entry of watcher) {
      const key = entry.key === sentinel ? undefined : keyOf(entry);
      if (key) keys.set(entry.key, key);
      else keys.delete(entry.key);
      if (entry.delta === 0) resolve();
    }
  })();
  await allTold;
  return { get: (id) => keys.get(id), stop: () => watcher.stop() };
}

/** What is no key (removed, or not readable) lets nobody in. */
function keyOf(entry: Pick<KvEntry, 'operation' | 'value'>): wire.Key | undefined {
  if (entry.operation !== 'PUT' || entry.value.length === 0) return undefined;
  try {
    return fromBinary(wire.KeySchema, entry.value);
  } catch {
    return undefined;
  }
}
