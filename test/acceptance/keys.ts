import { said, saidJson, type Willm } from './willm.ts';

/** Keys of the run, one for each client that it asks the servers as. */
export interface Keys {
  /** Whether the servers ask for keys. */
  readonly areAsked: boolean;
  /** The key of a client, made at its first use; undefined where none is asked for. */
  of(client: string): Promise<string | undefined>;
  /** Revokes every key that was made. */
  revoke(): Promise<void>;
}

interface Key {
  readonly id: string;
  readonly key: string;
}

/** A run that is killed leaves keys that end by themselves. */
const holdsFor = '2h';

export async function openKeys(httpUrl: string, willm: Willm): Promise<Keys> {
  const areAsked = (await fetch(`${httpUrl}/v1/models`)).status === 401;
  const made = new Map<string, Promise<Key>>();
  const make = (client: string): Promise<Key> =>
    saidJson(
      willm,
      'keys',
      'create',
      '--client',
      client,
      '--expires',
      holdsFor,
      '--note',
      'npm run acceptance',
    ) as Promise<Key>;
  return {
    areAsked,
    async of(client) {
      if (!areAsked) return undefined;
      const key = made.get(client) ?? make(client);
      made.set(client, key);
      return (await key).key;
    },
    async revoke() {
      for (const end of await Promise.allSettled(made.values()))
        if (end.status === 'fulfilled') await said(willm, 'keys', 'revoke', end.value.id);
    },
  };
}
