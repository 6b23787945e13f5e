import type { ServedModelFacts } from '@will/bus';
import type { Model } from '@will/core';
import { ProviderConfigError, type Provider } from '@will/providers';
import { ServedModel, wiringOf, type ServedDeps } from './served-model.ts';

export interface WorkerDeps extends ServedDeps {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly selects: (model: Model) => boolean;
}

/** How often a model that could not be opened is tried again, and one that runs here is looked at. */
const retryMs = 5_000;
const probeTimeoutMs = 2_000;

interface Entry {
  model: Model;
  served: ServedModel | undefined;
  reason: string;
  /** What of the record the connection was made of. */
  wiring: string;
}

/** Keeps what is served equal to the snapshot: opens, changes and closes models one by one, each on its own. */
export class Worker {
  readonly #deps: WorkerDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #busyWith = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #stopFollowing: () => void;
  #onChange = (): void => {};
  #isStopped = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    this.#stopFollowing = deps.snapshots.onChange(() => this.#follow());
    this.#timer = setInterval(() => this.#look(), retryMs);
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

  states(): ServedModelFacts[] {
    return [...this.#entries.values()].map(({ model, served, reason }) => {
      const pause = served?.resting.pause();
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
    clearInterval(this.#timer);
    this.#stopFollowing();
    const closing = Promise.all([...this.#entries.values()].map(({ served }) => served?.close()));
    const timeUp = new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref());
    await Promise.race([closing, timeUp]);
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
    const entry = this.#entries.get(model.slug) ?? { model, served: undefined, reason: 'loading', wiring };
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
      entry.served = new ServedModel(this.#deps, model, await provider.open(model));
    } catch (error) {
      if (!(error instanceof ProviderConfigError)) throw error;
      entry.reason = error.message;
      return;
    }
    await this.#judgeHealth(entry);
  }

  async #drop(slug: string): Promise<void> {
    const entry = this.#entries.get(slug);
    this.#entries.delete(slug);
    await entry?.served?.close();
  }

  #look(): void {
    for (const [slug, entry] of this.#entries) {
      if (this.#busyWith.has(slug) || this.#isStopped) continue;
      if (!entry.served) this.#inTurn(slug, () => this.#open(entry));
      else if (entry.model.callMethod !== 'API') this.#inTurn(slug, () => this.#judgeHealth(entry));
    }
  }

  /** Models on this side of the wire are looked at; a service's own calls tell how it is. */
  async #judgeHealth(entry: Entry): Promise<void> {
    const { served, model } = entry;
    if (!served) return;
    // A full model shows by its calls that it lives.
    if (model.callMethod !== 'API' && served.slots.taken === 0) {
      const health = await served.probe(AbortSignal.timeout(probeTimeoutMs));
      if (!health.healthy) {
        entry.reason = health.detail;
        return served.leave();
      }
    }
    entry.reason = '';
    served.join();
  }
}
