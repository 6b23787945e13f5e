import { contained } from '@will/runtime';
import { inMib, defaultModelMemory } from './machine-memory.ts';
import { ProviderConfigError } from './port.ts';

/** Something that takes memory while it is loaded, and can be unloaded and loaded again. */
export interface Tenant {
  readonly name: string;
  readonly bytes: number;
  /** `bytes` in words, for whom it does not fit. */
  readonly inWords: string;
  /** How long it took to load the last time, in milliseconds; 0: not known. */
  readonly loadMs?: () => number;
  /** Gives the memory back; resolves when it is free. Called only while no use of it is under way. */
  unload(): Promise<void>;
}

/** Bounds of the memory for models. */
export interface BudgetOptions {
  /**
   * A tenant that was used this short a while ago keeps its memory: its next call may be on its way. Default 50, and half of what
   * loading it took where that is longer, up to a second: to wait so long costs less than to load it again for nothing.
   */
  readonly lingerMs?: number;
  /** How long a tenant with ever more calls may keep others waiting. Default 10,000. */
  readonly maxTurnMs?: number;
}

/**
 * The memory that several models share. A model holds its part while it is loaded; when another one needs it, the model
 * that was used least recently gives its part back. Calls are taken together by model: the loaded model serves what comes
 * for it within its turn, so that two models do not evict each other call by call, and the turn ends, so that nobody waits for ever.
 */
export class MemoryBudget {
  readonly totalBytes: number;
  readonly #lingerMs: number;
  readonly #maxTurnMs: number;
  readonly #places = new Set<Place>();
  /** Those that wait for memory, or for another turn, in the order in which they came. */
  readonly #queue: Place[] = [];
  #contestedSinceMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isUnloading = false;

  constructor(totalBytes: number = defaultModelMemory(), { lingerMs = 50, maxTurnMs = 10_000 }: BudgetOptions = {}) {
    this.totalBytes = totalBytes;
    this.#lingerMs = lingerMs;
    this.#maxTurnMs = maxTurnMs;
  }

  /** Bytes of everything that is loaded or may be at any moment. */
  get heldBytes(): number {
    let sum = 0;
    for (const { isHeld, tenant } of this.#places) if (isHeld) sum += tenant.bytes;
    return sum;
  }

  /** A place for a tenant, whose memory is not held yet. @throws {ProviderConfigError} it can never fit, with the numbers. */
  admit(tenant: Tenant): Place {
    if (tenant.bytes > this.totalBytes)
      throw new ProviderConfigError(
        `model ${tenant.name} does not fit: it needs ${tenant.inWords}, and models may take ${inMib(this.totalBytes)} MiB here`,
      );
    const place = new Place(tenant, this.#hooks);
    this.#places.add(place);
    return place;
  }

  readonly #hooks: PlaceHooks = {
    mayUse: (place) => (place.isHeld ? !this.#isTurnOver(place) : this.#mayHoldAtOnce(place)),
    waits: (place) => {
      if (this.#queue.includes(place)) return;
      if (this.#queue.length === 0) this.#contestedSinceMs = performance.now();
      this.#queue.push(place);
      this.#settle();
    },
    changed: () => this.#settle(),
    gone: (place) => {
      this.#places.delete(place);
      const at = this.#queue.indexOf(place);
      if (at >= 0) this.#queue.splice(at, 1);
      this.#settle();
    },
  };

  #mayHoldAtOnce({ tenant }: Place): boolean {
    return this.#queue.length === 0 && !this.#isUnloading && this.heldBytes + tenant.bytes <= this.totalBytes;
  }

  #isTurnOver(place: Place): boolean {
    if (this.#queue.length === 0) return false;
    const since = Math.max(place.heldSinceMs, this.#contestedSinceMs);
    return performance.now() - since >= this.#maxTurnMs;
  }

  /** Gives to the first in the queue what can be given, and comes back as long as somebody waits. */
  #settle(): void {
    clearTimeout(this.#timer);
    while (!this.#isUnloading) {
      const [next] = this.#queue;
      if (!next) return;
      if (!next.isWaitedFor) {
        this.#queue.shift();
      } else if (next.isHeld || this.heldBytes + next.tenant.bytes <= this.totalBytes) {
        this.#queue.shift();
        this.#contestedSinceMs = performance.now();
        next.hold();
      } else {
        const leaving = this.#whoLeavesFor(next.tenant.bytes);
        if (leaving.length === 0) break;
        void this.#unload(leaving);
      }
    }
    this.#timer = setTimeout(
      contained(() => this.#settle()),
      this.#lingerMs,
    );
    this.#timer.unref();
  }

  /** The least recently used that are idle and together large enough; none where these are not enough. */
  #whoLeavesFor(bytes: number): Place[] {
    const nowMs = performance.now();
    const idle = [...this.#places]
      .filter((place) => place.isHeld && place.uses === 0)
      .filter((place) => nowMs - place.lastUsedMs >= this.#lingerOf(place) || this.#isTurnOver(place))
      .sort((one, other) => one.lastUsedMs - other.lastUsedMs);
    const leaving: Place[] = [];
    let missing = bytes - (this.totalBytes - this.heldBytes);
    for (const place of idle) {
      if (missing <= 0) break;
      leaving.push(place);
      missing -= place.tenant.bytes;
    }
    return missing <= 0 ? leaving : [];
  }

  #lingerOf({ tenant }: Place): number {
    return Math.max(this.#lingerMs, Math.min(maxLingerMs, (tenant.loadMs?.() ?? 0) / 2));
  }

  async #unload(places: readonly Place[]): Promise<void> {
    this.#isUnloading = true;
    await Promise.all(places.map((place) => place.unload()));
    this.#isUnloading = false;
    this.#settle();
  }
}

const maxLingerMs = 1_000;

interface PlaceHooks {
  /** It may be used without waiting for anybody. */
  readonly mayUse: (place: Place) => boolean;
  readonly waits: (place: Place) => void;
  readonly changed: () => void;
  readonly gone: (place: Place) => void;
}

/** One tenant's place in the budget. */
export class Place {
  readonly tenant: Tenant;
  readonly #hooks: PlaceHooks;
  readonly #waiting = new Set<(isIn: boolean) => void>();
  #isHeld = false;
  #isLeaving = false;
  #heldSinceMs = 0;
  #lastUsedMs = 0;
  #uses = 0;

  constructor(tenant: Tenant, hooks: PlaceHooks) {
    this.tenant = tenant;
    this.#hooks = hooks;
  }

  /** Its memory is its own, also while it is being unloaded. */
  get isHeld(): boolean {
    return this.#isHeld;
  }
  get heldSinceMs(): number {
    return this.#heldSinceMs;
  }
  get lastUsedMs(): number {
    return this.#lastUsedMs;
  }
  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }
  get uses(): number {
    return this.#uses;
  }

  /** Resolves true once the tenant may be loaded and used, until {@link leave}; false when aborted or closed before that. */
  enter(signal: AbortSignal): Promise<boolean> {
    if (this.tryEnter()) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const settle = (isIn: boolean): void => {
      this.#waiting.delete(settle);
      signal.removeEventListener('abort', giveUp);
      resolve(isIn);
    };
    const giveUp = (): void => settle(false);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.add(settle);
    this.#hooks.waits(this);
    return promise;
  }

  /** As {@link enter} where nobody must be waited for, else nothing. */
  tryEnter(): boolean {
    if (this.#isLeaving || !this.#hooks.mayUse(this)) return false;
    this.#take();
    return true;
  }

  leave(): void {
    this.#uses -= 1;
    this.#lastUsedMs = performance.now();
    if (this.#uses === 0) this.#hooks.changed();
  }

  /** The memory is its own from now, and all who waited may use it. */
  hold(): void {
    this.#heldSinceMs = performance.now();
    for (const settle of this.#waiting) {
      this.#take();
      settle(true);
    }
  }

  async unload(): Promise<void> {
    this.#isLeaving = true;
    await this.tenant.unload();
    this.#isLeaving = false;
    this.#isHeld = false;
  }

  /** The tenant is gone, and its memory is free. */
  close(): void {
    for (const settle of this.#waiting) settle(false);
    this.#isHeld = false;
    this.#hooks.gone(this);
  }

  #take(): void {
    if (!this.#isHeld) this.#heldSinceMs = performance.now();
    this.#isHeld = true;
    this.#uses += 1;
    this.#lastUsedMs = performance.now();
  }
}
