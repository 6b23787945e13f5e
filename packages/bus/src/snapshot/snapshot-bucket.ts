import { createHash } from 'node:crypto';
import { StorageType } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { names } from '@will/contracts';
import type { Bus } from '../api.ts';

/** The only key that changes. */
export const headKey = 'head';
/** The interval at which the head is rewritten: readers tell from it that the registry lives. */
export const headHeartbeatMs = 1_000;

/** The bucket of published documents; the one that comes first makes it, only the registry writes. */
export const registryBucket = (bus: Bus): Promise<KV> =>
  new Kvm(bus.connection).create(names.registryBucket, {
    storage: StorageType.File,
    history: 1,
    allow_direct: true,
  });

/** A key that names its content: `doc.…`, `manifest.…`; 192 bits, so that a manifest of 10,000 fits one message. */
export const contentKey = (kind: 'doc' | 'manifest', content: Uint8Array): string =>
  `${kind}.${createHash('sha256').update(content).digest().subarray(0, 24).toString('base64url')}`;

/** Runs a job for each item, at most `width` at once. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (const item of queue) await job(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
