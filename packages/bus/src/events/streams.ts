import {
  DiscardPolicy,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
} from '@nats-io/jetstream';
import { names, patterns } from '@will/contracts';
import { Kvm, type KV } from '@nats-io/kv';
import type { Bus } from '../api.ts';

const day = 24 * 3600 * 1e9;

/**
 * Where events are kept until telemetry has them; old ones give way to new ones. They are written before they are
 * acknowledged: with `persist_mode: async` each kill of the server lost some ten records that had been acknowledged. A
 * message is a batch of up to 50 ms, so the writes cost little.
 */
const events: Partial<StreamConfig> & { name: string } = {
  name: names.eventsStream,
  subjects: [patterns.events],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  compression: StoreCompression.S2,
  max_age: 7 * day,
  max_bytes: 2 * 1024 ** 3,
  duplicate_window: 120 * 1e9,
};

/** Creates the streams that are not there; leaves those that are as their operator set them. */
export async function ensureStreams(bus: Bus): Promise<void> {
  const manager = await jetstreamManager(bus.connection);
  try {
    await manager.streams.info(events.name);
  } catch {
    await manager.streams.add(events);
  }
}

/** The bucket of live processes: in memory, entries go ten seconds after their last word. */
export const processesBucket = (bus: Bus): Promise<KV> =>
  new Kvm(bus.connection).create(names.processesBucket, {
    storage: StorageType.Memory,
    ttl: 10_000,
    history: 1,
    markerTTL: 1_000,
  });
