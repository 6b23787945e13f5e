import { AsyncLocalStorage } from 'node:async_hooks';
import type { KeyRole } from '@will/contracts';
import type { DataClass, UnavailableModel } from '@will/core';

/** Who asks, by the key that was shown. */
export interface Identity {
  /** Public id of the key. */
  readonly keyId: string;
  readonly client: string;
  readonly role: KeyRole;
  /** Slugs; empty: any. */
  readonly projects: readonly string[];
  /** Empty: any. */
  readonly taskTypes: readonly string[];
  /** The least that every task counts as. */
  readonly dataClass: DataClass | undefined;
  /** What happens when its tasks name a model that they may not have; undefined: what documents say. */
  readonly unavailableModel?: UnavailableModel | undefined;
  /** Told when something is refused that was asked in this name. */
  readonly refused: (why: string) => void;
}

const carried = new AsyncLocalStorage<Identity>();

/** Does something in the name of an identity: all that it calls, also later, finds it by {@link identity}. */
export const inNameOf = <T>(who: Identity, work: () => T): T => carried.run(who, work);

/** In whose name we work; undefined: nobody was let in by a key. */
export const identity = (): Identity | undefined => carried.getStore();
