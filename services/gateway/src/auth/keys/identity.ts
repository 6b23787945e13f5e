import { AsyncLocalStorage } from 'node:async_hooks';
import type { KeyIdentity } from '@will/bus';

/** The caller, by the key that was shown. */
export interface Identity extends KeyIdentity {
  /** Told when something is refused that was asked in this name. */
  readonly refused: (why: string) => void;
}

const carried = new AsyncLocalStorage<Identity>();

/** Does something in the name of an identity: all that it calls, also later, finds it by {@link identity}. */
export const inNameOf = <T>(who: Identity, work: () => T): T => carried.run(who, work);

/** In whose name we work; undefined: nobody was let in by a key. */
export const identity = (): Identity | undefined => carried.getStore();
