import { randomBytes } from 'node:crypto';
import { Kvm } from '@nats-io/kv';
import { names } from '@will/contracts';
import type { Bus } from '../api.ts';

const key = 'sessions';
const secretBytes = 32;

/**
 * The secret of this installation that names of conversations are digested with: made by the process that asks first, the same for
 * all. It is no credential: who knows it could tell whether two digests are of a conversation whose name is known.
 */
export async function sessionSecret(bus: Bus): Promise<Uint8Array> {
  const bucket = await new Kvm(bus.connection).create(names.secretBucket, { history: 1 });
  const made = randomBytes(secretBytes);
  try {
    await bucket.create(key, made);
    return made;
  } catch (error) {
    const kept = await bucket.get(key);
    if (kept && kept.operation === 'PUT') return kept.value;
    throw error;
  }
}
