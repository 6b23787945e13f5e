import { holdsStill } from '@will/bus';
import { create, digestOfKey, type KeyRole, newKey, wire } from '@will/contracts';
import { type Guard, keyGuard, type Refused } from '../auth/keys/guard.ts';

export interface TestKeys {
  readonly guard: Guard;
  readonly refused: Refused[];
  /** Makes a key and returns its text. */
  give(client: string, role: KeyRole, bounds?: Partial<wire.Key>): Promise<string>;
  revoke(text: string): void;
  /** Whether a key still lets anybody in. */
  holds(keyId: string): boolean;
  nowMs: number;
}

/** Keys without a bus. */
export function testKeys(): TestKeys {
  const kept = new Map<string, wire.Key>();
  const refused: Refused[] = [];
  const keys: TestKeys = {
    nowMs: 1_700_000_000_000,
    refused,
    guard: keyGuard({
      find: () => (id) => kept.get(id),
      isKnownClient: (client) => client !== 'gone',
      nowMs: () => keys.nowMs,
      onRefused: (one) => void refused.push(one),
    }),
    async give(client, role, bounds = {}) {
      const { id, text } = newKey();
      kept.set(id, {
        ...create(wire.KeySchema, { id, client, role, digest: await digestOfKey(text) }),
        ...bounds,
      });
      return text;
    },
    holds: (keyId) => holdsStill((id) => kept.get(id), keyId, keys.nowMs),
    revoke(text) {
      const id = text.split('-')[2] ?? '';
      const key = kept.get(id);
      if (key) kept.set(id, { ...key, revokedUnixMs: 1n });
    },
  };
  return keys;
}
