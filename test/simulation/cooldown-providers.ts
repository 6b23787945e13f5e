import { fromBinary } from '@bufbuild/protobuf';
import type { Cooldowns } from '@will/bus';
import { wire } from '@will/contracts';
import type { ProviderFailure } from '@will/core';
import type { ModelConnection, Provider, ProviderOutcome } from '@will/providers';
import type { CooldownServer } from './cooldown-server.ts';
import type { Standstills } from './standstills.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

const trialLeaseMs = 15_000;
/** A trial call that told nothing is released within this. */
const trialReleasedWithinMs = 5_000;

/** How the provider of a model behaves for now. */
export type Mood = 'well' | 'failing' | 'limited' | 'silent';

/** A worker as its providers see it. */
export interface CallingWorker {
  readonly actor: Actor;
  readonly cooldowns: Cooldowns;
  /** Calls under way by model. */
  readonly inFlight: Map<string, number>;
}

interface Trial {
  readonly untilMs: number;
  readonly cooldownMs: number;
}

/**
 * Providers that answer, fail, set limits or are silent. Each call that starts is checked: not in a cooldown that its
 * worker knows, one trial call at a time over all workers, never more calls than slots.
 */
export class CooldownProviders {
  readonly #time: VirtualTime;
  readonly #server: CooldownServer;
  readonly #standstills: Standstills;
  readonly #slots: number;
  /** Messages are lost: a trial call that was released may stand until its lease ends. */
  readonly #isLossy: boolean;
  readonly #moods = new Map<string, Mood>();
  /** Trial calls under way, by model and worker: until when nobody else may, and after which cooldown. */
  readonly #trials = new Map<string, Map<Actor, Trial>>();

  constructor(time: VirtualTime, server: CooldownServer, standstills: Standstills, slots: number, isLossy: boolean) {
    this.#time = time;
    this.#server = server;
    this.#standstills = standstills;
    this.#slots = slots;
    this.#isLossy = isLossy;
  }

  setMood(model: string, mood: Mood): void {
    this.#moods.set(model, mood);
  }

  of(worker: CallingWorker): Provider {
    return {
      name: 'openai-compatible',
      open: async ({ slug }): Promise<ModelConnection> => ({
        naturalConcurrency: undefined,
        checkHealth: async () => ({ healthy: true, detail: '' }),
        close: async () => {},
        run: (_call, onDelta, signal) => this.#upstream(worker, slug, onDelta, signal),
      }),
    };
  }

  async #upstream(
    worker: CallingWorker,
    model: string,
    onDelta: Parameters<ModelConnection['run']>[1],
    signal: AbortSignal,
  ): Promise<ProviderOutcome> {
    const isTrial = this.#checkStart(worker, model);
    const { inFlight, actor } = worker;
    inFlight.set(model, (inFlight.get(model) ?? 0) + 1);
    let isCancelled = false;
    try {
      const outcome = await this.#answer(model, onDelta, signal);
      isCancelled = !outcome.ok && outcome.failure.status === 'Cancelled';
      return outcome;
    } finally {
      inFlight.set(model, (inFlight.get(model) ?? 0) - 1);
      if (isTrial) this.#trials.get(model)?.delete(actor);
      if (isTrial && isCancelled) this.#checkGivenBack(worker, model);
    }
  }

  /** The trial call that just ended told nothing: its lease must not stand until it runs out. */
  #checkGivenBack({ actor }: CallingWorker, model: string): void {
    if (this.#isLossy) return;
    const { nowMs } = this.#time;
    this.#time.surelyAfter(trialReleasedWithinMs, () => {
      const value = this.#server.entries.get(model)?.value;
      if (!value || actor.isDead || this.#standstills.endMs(actor) > nowMs) return;
      const { trialHolder, trialUntilUnixMs } = fromBinary(wire.CooldownSchema, value);
      const takenAtMs = Number(trialUntilUnixMs) - trialLeaseMs;
      if (trialHolder === actor.name && takenAtMs < nowMs && Number(trialUntilUnixMs) > this.#time.nowMs)
        this.#time.wrong(`${actor.name} keeps the trial call of ${model}, which told nothing`);
    });
  }

  /** @returns whether it finds out if the model is well after a cooldown. */
  #checkStart({ actor, cooldowns, inFlight }: CallingWorker, model: string): boolean {
    const { nowMs } = this.#time;
    const cooldown = cooldowns.cooldownOf(model);
    this.#time.note(`${actor.name} calls ${model}${cooldown ? ', as a trial call' : ''}`);
    if (cooldown && cooldown.untilMs > Math.floor(nowMs))
      this.#time.wrong(`${actor.name} calls ${model}, which it knows is cooling down`);
    if ((inFlight.get(model) ?? 0) >= this.#slots)
      this.#time.wrong(`${actor.name} has more calls of ${model} than slots`);
    if (!cooldown) return false;
    const trials = this.#trials.get(model) ?? new Map<Actor, Trial>();
    this.#trials.set(model, trials);
    // Another cooldown that began meanwhile has a trial call of its own.
    for (const [other, { untilMs, cooldownMs }] of trials)
      if (!other.isDead && cooldownMs === cooldown.untilMs && nowMs < untilMs)
        this.#time.wrong(`${actor.name} makes the trial call of ${model} while ${other.name} does`);
    trials.set(actor, { untilMs: this.#leaseEndMs(actor, model), cooldownMs: cooldown.untilMs });
    return true;
  }

  /** It acquired the trial call a while before it calls. */
  #leaseEndMs(actor: Actor, model: string): number {
    const value = this.#server.entries.get(model)?.value;
    const word = value && fromBinary(wire.CooldownSchema, value);
    return word?.trialHolder === actor.name ? Number(word.trialUntilUnixMs) : this.#time.nowMs + trialLeaseMs;
  }

  async #answer(
    model: string,
    onDelta: Parameters<ModelConnection['run']>[1],
    signal: AbortSignal,
  ): Promise<ProviderOutcome> {
    const { random } = this.#time;
    const mood = this.#moods.get(model) ?? 'well';
    if (mood === 'silent') return this.#untilAborted(signal);
    await Promise.race([this.#time.pause(20 + random.next() * random.pick([100, 2_000])), this.#untilAborted(signal)]);
    if (signal.aborted) return failed('Cancelled', 'cancelled');
    if (mood === 'failing') return failed('Overloaded', 'server_error');
    if (mood === 'limited') return failed('RateLimited', 'rate_limit', random.pick([300, 2_000, 10_000]));
    onDelta({ text: 'word' });
    return { ok: true, finish: 'stop', usage: noUsage, output: undefined };
  }

  #untilAborted(signal: AbortSignal): Promise<ProviderOutcome> {
    return new Promise((resolve) => {
      const end = (): void => resolve(failed(signal.reason === 'deadline' ? 'Deadline' : 'Cancelled', 'cancelled'));
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }
}

const noUsage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, estimated: true };

const failed = (
  status: ProviderFailure['status'],
  reason: ProviderFailure['reason'],
  retryAfterMs?: number,
): ProviderOutcome => ({
  ok: false,
  failure: {
    status,
    reason,
    message: reason,
    httpStatus: undefined,
    isRetryable: status !== 'Cancelled',
    retryAfterMs,
  },
  usage: undefined,
});
