import { exactClock } from '@will/testkit';
import type { Actor, VirtualTime } from './virtual-time.ts';

/** A message that is read so soon after a standstill may have come during it. */
export const suspectForMs = 100;

/** The last standstill of a process. */
interface Standstill {
  readonly endedAtMs: number;
  readonly forMs: number;
}

/** Processes that stand still for a while, and what each of them finds out of it. */
export class Standstills {
  readonly #time: VirtualTime;
  readonly #last = new Map<Actor, Standstill>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  begin(actor: Actor): void {
    if (actor.isFrozen) return;
    const { nowMs, random } = this.#time;
    const forMs = random.pick([150, 400, 1_000, 2_000, 20_000]);
    this.#time.note(`${actor.name} stands still for ${forMs} ms`);
    actor.freeze();
    this.#last.set(actor, { endedAtMs: nowMs + forMs, forMs });
    this.#time.surelyAfter(forMs, () => this.#last.get(actor)?.endedAtMs === nowMs + forMs && this.end(actor));
  }

  end(actor: Actor): void {
    if (!actor.isFrozen) return;
    const { nowMs } = this.#time;
    const { endedAtMs, forMs } = this.#last.get(actor) as Standstill;
    this.#last.set(actor, { endedAtMs: nowMs, forMs: forMs - (endedAtMs - nowMs) });
    this.#time.note(`${actor.name} goes on`);
    this.#time.thaw(actor);
  }

  /** As a process finds out by itself, with the first message that it reads. */
  lastedMs(actor: Actor, sinceMs = Number.NEGATIVE_INFINITY): number {
    const last = this.#last.get(actor);
    const isRecent = last !== undefined && this.#time.nowMs - last.endedAtMs <= suspectForMs;
    return isRecent && last.endedAtMs > sinceMs ? last.forMs : 0;
  }

  /** Of its last one, or of the one it is in; 0: it never stood still. */
  endMs(actor: Actor): number {
    return this.#last.get(actor)?.endedAtMs ?? 0;
  }

  clockOf(actor: Actor) {
    return { ...exactClock(), stoodStillMs: (sinceMs?: number) => this.lastedMs(actor, sinceMs) };
  }
}
