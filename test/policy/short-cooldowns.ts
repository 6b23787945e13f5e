import type { Cooldown } from '@will/core';
import type { CooldownStore } from '../../services/provider-worker/src/ports.ts';

/** How long a cooldown lasts here, whatever the breaker says: a world's clock stands still. */
const cooldownMs = 3;

/** Tasks of tests fit their messages. */
export const noPayloads = { get: () => Promise.reject(new Error('no payloads here')) };

/** Looks at nothing, and lets the documents change meanwhile. */
export const slowHook = {
  name: 'slow',
  before: () => new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
};

/** A world without limits. */
export const unlimited = { take: () => ({ settle() {}, release() {} }) };

/** Cooldowns of one world, seen by all its processes at once; each ends after a moment, and a trial call must follow. */
export class ShortCooldowns implements CooldownStore {
  readonly untilMs = new Map<string, number>();
  readonly #nowMs: () => number;
  readonly #cooldowns = new Map<string, Cooldown>();
  readonly #tried = new Set<string>();
  readonly #listeners = new Set<(model: string) => void>();
  /** How often a cooldown started, and a trial call was acquired. */
  readonly counts = { cooldowns: 0, trials: 0 };

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  cooldownOf(model: string): Cooldown | undefined {
    return this.#cooldowns.get(model);
  }

  async coolDown(model: string, cooldown: Cooldown): Promise<void> {
    await Promise.resolve();
    this.counts.cooldowns += 1;
    this.#tried.delete(model);
    this.#set(model, { ...cooldown, untilMs: this.#nowMs() + 1 });
    setTimeout(() => this.#set(model, { ...cooldown, untilMs: this.#nowMs() }), cooldownMs);
  }

  /** They are short. */
  async endEarly(): Promise<void> {}

  async acquireTrial(model: string): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#cooldowns.has(model) || this.#tried.has(model)) return false;
    this.#tried.add(model);
    this.counts.trials += 1;
    return true;
  }

  async releaseTrial(model: string): Promise<void> {
    this.#tried.delete(model);
  }

  async recover(model: string): Promise<void> {
    this.#tried.delete(model);
    this.#cooldowns.delete(model);
    this.untilMs.delete(model);
    this.#tell(model);
  }

  onChange(listener: (model: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #set(model: string, cooldown: Cooldown): void {
    this.#cooldowns.set(model, cooldown);
    this.untilMs.set(model, cooldown.untilMs);
    this.#tell(model);
  }

  #tell(model: string): void {
    for (const listener of this.#listeners) listener(model);
  }
}
