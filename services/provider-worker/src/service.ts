import type { ServedModelFacts } from '@will/bus';
import type { Model } from '@will/core';
import { ProviderConfigError, type Provider, type ProviderOutcome } from '@will/providers';
import { within } from '@will/runtime';
import { ModelHealth } from './model/health.ts';
import { ServedModel, type ServedDeps } from './model/served-model.ts';
import { wiringOf } from './model/wiring.ts';

export interface WorkerDeps extends ServedDeps {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly selects: (model: Model) => boolean;
  /** Calls back when health checks are due, and models that could not be opened should be retried. */
  readonly scheduleHealthChecks: (check: () => void) => { stop(): void };
}

const healthCheckTimeoutMs = 2_000;
/** A model that cannot be opened is retried at each health check at first, then ever more rarely, up to this. */
const maxRetryMs = 60_000;
const firstRetryMs = 4_000;

interface Entry {
  model: Model;
  served: ServedModel | undefined;
  reason: string;
  /** What of the record the connection was made of. */
  wiring: string;
  readonly health: ModelHealth;
  /** How often in turn it could not be opened, and when that is tried again. */
  failures: number;
  retryAtMs: number;
}

/** Keeps what is served equal to the snapshot: opens, changes and closes models one by one, each on its own. */
export class Worker {
  readonly #deps: WorkerDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #busyWith = new Map<string, Promise<void>>();
  readonly #healthChecks: { stop(): void };
  #stopFollowing: () => void;
  #onChange = (): void => {};
  #isStopped = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    this.#stopFollowing = deps.snapshots.onChange(() => this.#follow());
    this.#healthChecks = deps.scheduleHealthChecks(() => this.#runHealthChecks());
  }

  /**
   * Opens everything that the present snapshot asks for. Resolves when each model is served or has a reason; `onChange`
   * is told then and after every later change.
   */
  async start(onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    this.#follow();
    await Promise.all(this.#busyWith.values());
  }

  /** Names of the providers that it can speak to, also where no model needs one now. */
  get providers(): readonly string[] {
    return [...this.#deps.providers.keys()];
  }

  states(): ServedModelFacts[] {
    return [...this.#entries.values()].map(({ model, served, reason }) => {
      const pause = served?.circuit.pause();
      return {
        model: model.slug,
        capacity: served?.slots.capacity ?? 0,
        inFlight: served?.slots.taken ?? 0,
        reason,
        coolingUntilUnixMs: BigInt(Math.ceil(pause?.untilMs ?? 0)),
        coolingReason: pause?.reason ?? '',
      };
    });
  }

  /** Leaves all groups, waits for calls in flight up to a time, and closes the connections. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    this.#healthChecks.stop();
    this.#stopFollowing();
    const closing = Promise.all([...this.#entries.values()].map(({ served }) => served?.close()));
    await within(closing, drainMs);
  }

  #follow(): void {
    const snapshot = this.#deps.snapshots.current;
    if (!snapshot || this.#isStopped) return;
    for (const model of snapshot.models.values()) {
      if (this.#deps.selects(model)) this.#inTurn(model.slug, () => this.#bring(model));
    }
    for (const [slug, { model }] of this.#entries) {
      const now = snapshot.models.get(slug);
      if (!now || !this.#deps.selects(now)) this.#inTurn(model.slug, () => this.#drop(slug));
    }
  }

  /** One change of one model at a time; models do not wait for each other. */
  #inTurn(slug: string, work: () => Promise<void>): void {
    const before = this.#busyWith.get(slug) ?? Promise.resolve();
    const after: Promise<void> = before
      .then(work)
      .catch((error: unknown) => this.#deps.onError(`model ${slug}`, error))
      .finally(() => {
        if (this.#busyWith.get(slug) === after) this.#busyWith.delete(slug);
        this.#onChange();
      });
    this.#busyWith.set(slug, after);
  }

  async #bring(model: Model): Promise<void> {
    const wiring = wiringOf(model);
    const entry = this.#entries.get(model.slug) ?? newEntry(model, wiring);
    this.#entries.set(model.slug, entry);
    const isSameRecord = JSON.stringify(entry.model.document) === JSON.stringify(model.document);
    entry.model = model;
    if (entry.served && entry.wiring === wiring) {
      if (isSameRecord) entry.served.model = model;
      else await entry.served.change(model);
      return;
    }
    await entry.served?.close();
    entry.served = undefined;
    entry.wiring = wiring;
    entry.failures = 0;
    await this.#open(entry);
  }

  async #open(entry: Entry): Promise<void> {
    const { model } = entry;
    const provider = this.#deps.providers.get(model.provider);
    if (!provider) {
      entry.reason = `no provider ${model.provider} here`;
      return;
    }
    try {
      const connection = await provider.open(model);
      entry.served = new ServedModel(this.#deps, model, connection, (outcome) => this.#learn(entry, outcome));
      entry.failures = 0;
    } catch (error) {
      if (!(error instanceof ProviderConfigError)) throw error;
      entry.reason = error.message;
      entry.retryAtMs = this.#deps.nowMs() + Math.min(maxRetryMs, firstRetryMs * 2 ** entry.failures);
      entry.failures += 1;
      return;
    }
    await this.#updateHealth(entry);
  }

  #learn(entry: Entry, outcome: ProviderOutcome): void {
    const isSuspect = entry.health.learn(outcome, entry.model, this.#deps.nowMs());
    const { slug } = entry.model;
    if (isSuspect && !this.#busyWith.has(slug) && !this.#isStopped) this.#inTurn(slug, () => this.#updateHealth(entry));
  }

  async #drop(slug: string): Promise<void> {
    const entry = this.#entries.get(slug);
    this.#entries.delete(slug);
    await entry?.served?.close();
  }

  #runHealthChecks(): void {
    if (this.#isStopped) return;
    const nowMs = this.#deps.nowMs();
    for (const [slug, entry] of this.#entries) {
      if (this.#busyWith.has(slug)) continue;
      const { served, health, model } = entry;
      if (!served && nowMs >= entry.retryAtMs) this.#inTurn(slug, () => this.#open(entry));
      else if (served && (health.isUnhealthy || health.wantsHealthCheck(model, served.slots.taken, nowMs)))
        this.#inTurn(slug, () => this.#updateHealth(entry));
    }
  }

  /** In the queue groups while it is healthy, as far as is known; out of them with the reason while it is not. */
  async #updateHealth(entry: Entry): Promise<void> {
    const { served, model, health } = entry;
    if (!served) return;
    if (health.wantsHealthCheck(model, served.slots.taken, this.#deps.nowMs())) {
      const wasUnhealthy = health.isUnhealthy;
      const seen = await served.checkHealth(AbortSignal.timeout(healthCheckTimeoutMs));
      health.checked(seen);
      if (health.isUnhealthy) {
        entry.reason = seen.detail;
        return served.leave();
      }
      if (wasUnhealthy) served.circuit.foundHealthy();
    }
    entry.reason = '';
    served.join();
  }
}

const newEntry = (model: Model, wiring: string): Entry => ({
  model,
  served: undefined,
  reason: 'loading',
  wiring,
  health: new ModelHealth(),
  failures: 0,
  retryAtMs: 0,
});
