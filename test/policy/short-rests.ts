import type { Rest } from '@will/core';
import type { Rests } from '../../services/provider-worker/src/ports.ts';

/** How long a rest lasts here, whatever the breaker says: a world's clock stands still. */
const restMs = 3;

/** Tasks of tests fit their messages. */
export const noPayloads = { get: () => Promise.reject(new Error('no payloads here')) };

/** Looks at nothing, and lets the documents change meanwhile. */
export const slowHook = {
  name: 'slow',
  before: () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
};

/** A world without limits. */
export const unlimited = { take: () => ({ settle() {}, release() {} }) };

/** Rests of one world, seen by all its processes at once; each ends after a moment, and a probe must follow. */
export class ShortRests implements Rests {
  readonly untilMs = new Map<string, number>();
  readonly #nowMs: () => number;
  readonly #rests = new Map<string, Rest>();
  readonly #probed = new Set<string>();
  readonly #listeners = new Set<(model: string) => void>();
  /** How often a model was sent to rest, and a probe was taken. */
  readonly counts = { rests: 0, probes: 0 };

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  restOf(model: string): Rest | undefined {
    return this.#rests.get(model);
  }

  async rest(model: string, rest: Rest): Promise<void> {
    await Promise.resolve();
    this.counts.rests += 1;
    this.#probed.delete(model);
    this.#set(model, { ...rest, untilMs: this.#nowMs() + 1 });
    setTimeout(() => this.#set(model, { ...rest, untilMs: this.#nowMs() }), restMs);
  }

  /** They are short. */
  async endEarly(): Promise<void> {}

  async takeProbe(model: string): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#rests.has(model) || this.#probed.has(model)) return false;
    this.#probed.add(model);
    this.counts.probes += 1;
    return true;
  }

  async giveProbe(model: string): Promise<void> {
    this.#probed.delete(model);
  }

  async recover(model: string): Promise<void> {
    this.#probed.delete(model);
    this.#rests.delete(model);
    this.untilMs.delete(model);
    this.#tell(model);
  }

  onChange(listener: (model: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #set(model: string, rest: Rest): void {
    this.#rests.set(model, rest);
    this.untilMs.set(model, rest.untilMs);
    this.#tell(model);
  }

  #tell(model: string): void {
    for (const listener of this.#listeners) listener(model);
  }
}
