import { OvertakenError, type CooldownBucket } from '@will/bus';
import type { Network } from './network.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

const answerWithinMs = 2_000;

interface Stored {
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

interface Follower {
  readonly actor: Actor;
  readonly hear: (model: string, value: Uint8Array | undefined, revision: number) => void;
  /** Changes reach it in their order. */
  lastAtMs: number;
}

/** The bucket of cooldowns as the server has it: written by compare-and-set, told to everybody a while later. */
export class CooldownServer {
  readonly entries = new Map<string, Stored>();
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #latestMs: number;
  readonly #followers = new Set<Follower>();
  #revision = 0;

  constructor(time: VirtualTime, network: Network) {
    this.#time = time;
    this.#network = network;
    this.#latestMs = time.random.pick([5, 50, 500]);
  }

  clientOf(actor: Actor): CooldownBucket {
    const ask = <T>(serve: () => T): Promise<T> => this.#network.ask(serve, answerWithinMs);
    return {
      follow: (hear) =>
        ask(() => {
          const follower: Follower = { actor, hear, lastAtMs: 0 };
          this.#followers.add(follower);
          for (const [model, stored] of this.entries) this.#tell(follower, model, stored);
          return () => void this.#followers.delete(follower);
        }),
      write: (model, value, _ttlSeconds, lastRevision) => ask(() => this.#change(model, value, lastRevision)),
      read: (model) => ask(() => this.entries.get(model)),
      purge: (model, lastRevision) => ask(() => void this.#change(model, undefined, lastRevision)),
    };
  }

  #change(model: string, value: Uint8Array | undefined, lastRevision: number): number {
    if ((this.entries.get(model)?.revision ?? 0) !== lastRevision)
      throw new OvertakenError('somebody else wrote first');
    this.#revision += 1;
    const stored = { value, revision: this.#revision };
    this.entries.set(model, stored);
    for (const follower of this.#followers) this.#tell(follower, model, stored);
    return stored.revision;
  }

  #tell(follower: Follower, model: string, { value, revision }: Stored): void {
    const { sinceStartMs } = this.#time;
    follower.lastAtMs = Math.max(follower.lastAtMs, sinceStartMs + this.#time.between(0.1, this.#latestMs));
    this.#time.after(follower.lastAtMs - sinceStartMs, () => follower.hear(model, value, revision), follower.actor);
  }
}
