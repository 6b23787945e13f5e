import { contained } from '@will/runtime';
import { setTimeout as wait } from 'node:timers/promises';
import { failureOf, type Model } from '@will/core';
import {
  abortedBy,
  type ContentDelta,
  failed,
  type Health,
  type ModelCall,
  type ModelConnection,
  ProviderConfigError,
  type ProviderOutcome,
} from '../port.ts';
import type { ContainerState, Engine } from './engine.ts';

/** Ports of a model in a container. */
export interface ContainerDeps {
  readonly model: Model;
  readonly image: string;
  readonly engine: Engine;
  /** Opens the model at an address of this machine. */
  readonly openAt: (endpoint: string) => Promise<ModelConnection>;
  readonly onClose: () => Promise<void>;
}

/** A large model takes a while to be read from the disk. */
const healthyWithinMs = 180_000;
const pollIntervalMs = 250;
/** One that runs already is opened within this. */
const openWithinMs = 2_000;
const maxBackoffMs = 60_000;
/** What OpenAI-compatible servers serve under. */
const defaultPath = '/v1';

/**
 * A model whose server runs in a container: one that runs already, or one that is made, started, waited for, and stopped again
 * where the document says so.
 */
export class ContainerConnection implements ModelConnection {
  readonly naturalConcurrency = undefined;
  readonly #deps: ContainerDeps;
  #id: string | undefined;
  #inner: ModelConnection | undefined;
  /** It was made for this model, so that it may be started and stopped. */
  #isOwn = false;
  #isIdle = false;
  #bringing: Promise<ModelConnection> | undefined;
  #running = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  /** Why it could not be brought the last time. */
  #trouble = '';
  #stopping: Promise<void> = Promise.resolve();
  #failures = 0;
  #mayStartAtMs = 0;
  #isClosed = false;

  constructor(deps: ContainerDeps) {
    this.#deps = deps;
  }

  /**
   * Does not wait for a container that has to be started: until it is healthy, health checks say that it is not.
   * @throws {ProviderConfigError} none runs and none may be started, or the engine is not there.
   */
  async open(): Promise<void> {
    const { engine, image, model } = this.#deps;
    const running = await engine.running(image, model.slug);
    if (running.length === 0 && !model.document.local?.start) throw noneRuns(image);
    const bringing = this.#bring().then(
      () => this.#restSoon(),
      () => {},
    );
    await Promise.race([bringing, wait(openWithinMs, undefined, { ref: false })]);
  }

  async run(call: ModelCall, onDelta: (delta: ContentDelta) => void, signal: AbortSignal): Promise<ProviderOutcome> {
    if (signal.aborted) return failed(failureOf(abortedBy(signal)));
    this.#running += 1;
    clearTimeout(this.#idleTimer);
    try {
      const inner = this.#inner ?? (await this.#bringBefore(signal));
      clearTimeout(this.#idleTimer);
      if (signal.aborted) return failed(failureOf(abortedBy(signal)));
      return inner ? await inner.run(call, onDelta, signal) : failed(failureOf('connection'));
    } finally {
      this.#running -= 1;
      this.#restSoon();
    }
  }

  async checkHealth(signal: AbortSignal): Promise<Health> {
    try {
      if (this.#isIdle)
        return { healthy: true, detail: 'stopped while nobody calls it; it is started when somebody does' };
      if (this.#bringing) return { healthy: false, detail: 'its container is being started' };
      const state = this.#id === undefined ? undefined : await this.#deps.engine.look(this.#id);
      if (!state?.isRunning) return await this.#bringAgain(this.#trouble || whyStopped(state));
      if (state.health === 'unhealthy') return { healthy: false, detail: 'its container says that it is not healthy' };
      return this.#inner
        ? await this.#inner.checkHealth(signal)
        : { healthy: false, detail: 'its container is not ready' };
    } catch (error) {
      return {
        healthy: false,
        detail: error instanceof ProviderConfigError ? error.message : 'its container engine does not answer',
      };
    }
  }

  /** A container that runs goes on running: the next worker finds it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    await this.#inner?.close();
    await this.#deps.onClose();
  }

  /** Starts to bring it back, where that is allowed and due; the next health check tells the result. */
  async #bringAgain(why: string): Promise<Health> {
    await this.#drop();
    if (performance.now() >= this.#mayStartAtMs) void this.#bring().catch(() => {});
    return { healthy: false, detail: why };
  }

  #bringBefore(signal: AbortSignal): Promise<ModelConnection | undefined> {
    const { promise, resolve } = Promise.withResolvers<ModelConnection | undefined>();
    const giveUp = (): void => resolve(undefined);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#bring().then(resolve, giveUp);
    return promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  #bring(): Promise<ModelConnection> {
    this.#bringing ??= this.#bringOnce().finally(() => {
      this.#bringing = undefined;
    });
    return this.#bringing;
  }

  async #bringOnce(): Promise<ModelConnection> {
    try {
      await this.#stopping;
      const id = await this.#find();
      const inner = await this.#untilHealthy(id);
      this.#id = id;
      this.#inner = inner;
      this.#isIdle = false;
      this.#failures = 0;
      this.#trouble = '';
      return inner;
    } catch (error) {
      this.#id = undefined;
      this.#trouble = error instanceof Error ? error.message : 'its container cannot be started';
      this.#mayStartAtMs = performance.now() + Math.min(maxBackoffMs, 1_000 * 2 ** this.#failures);
      this.#failures += 1;
      throw error;
    }
  }

  /** One that runs, else one that is started now. */
  async #find(): Promise<string> {
    const { engine, image, model } = this.#deps;
    const [found] = await engine.running(image, model.slug);
    if (found !== undefined) {
      this.#isOwn = (await engine.look(nameOf(model)))?.id === found;
      return found;
    }
    const { start, port, memory_mb } = model.document.local ?? {};
    if (!start) throw noneRuns(image);
    const inside = port ?? portOf(statedEndpoint(model));
    if (inside === undefined)
      throw new ProviderConfigError('local.port is missing: the port that the server in the container listens on');
    const id = await engine.make({
      name: nameOf(model),
      image,
      model: model.slug,
      port: inside,
      hostPort: portOf(statedEndpoint(model)),
      memoryBytes: memory_mb === undefined ? undefined : memory_mb * 1024 * 1024,
    });
    this.#isOwn = true;
    await engine.start(id);
    return id;
  }

  async #untilHealthy(id: string): Promise<ModelConnection> {
    const untilMs = performance.now() + healthyWithinMs;
    let inner: ModelConnection | undefined;
    try {
      while (performance.now() < untilMs && !this.#isClosed) {
        const state = await this.#deps.engine.look(id);
        if (!state?.isRunning) throw new ProviderConfigError(whyStopped(state));
        if (state.health === 'unhealthy') throw new ProviderConfigError('its container says that it is not healthy');
        if (state.health !== 'starting') {
          inner ??= await this.#deps.openAt(this.#endpointOf(state));
          if ((await inner.checkHealth(AbortSignal.timeout(5_000))).healthy) return inner;
        }
        await wait(pollIntervalMs);
      }
      throw new ProviderConfigError(`its container was not healthy within ${healthyWithinMs / 1_000} s`);
    } catch (error) {
      await inner?.close();
      throw error;
    }
  }

  #endpointOf({ ports }: ContainerState): string {
    const { model, image } = this.#deps;
    const stated = statedEndpoint(model);
    if (stated !== undefined) return stated;
    const { port } = model.document.local ?? {};
    const hostPort = port === undefined && ports.size === 1 ? [...ports.values()][0] : ports.get(port ?? 0);
    if (hostPort === undefined)
      throw new ProviderConfigError(
        `the container of image ${image} publishes ${ports.size === 0 ? 'no port' : `ports ${[...ports.keys()].join(', ')}`}; state local.port, and publish it`,
      );
    return `http://127.0.0.1:${hostPort}${defaultPath}`;
  }

  #restSoon(): void {
    clearTimeout(this.#idleTimer);
    const seconds = this.#deps.model.document.local?.stop_when_idle_seconds;
    if (seconds === undefined || !this.#isOwn || this.#running > 0 || this.#isClosed || !this.#inner) return;
    this.#idleTimer = setTimeout(
      contained(() => this.#rest().catch(() => {})),
      seconds * 1_000,
    );
    this.#idleTimer.unref();
  }

  async #rest(): Promise<void> {
    if (this.#running > 0 || this.#id === undefined || this.#bringing) return;
    this.#isIdle = true;
    await this.#drop();
    this.#stopping = this.#deps.engine.stop(this.#id).catch(() => {});
    await this.#stopping;
  }

  async #drop(): Promise<void> {
    const inner = this.#inner;
    this.#inner = undefined;
    await inner?.close();
  }
}

const noneRuns = (image: string): ProviderConfigError =>
  new ProviderConfigError(`no container of image ${image} runs; start one, or state local.start: yes`);
const nameOf = ({ slug }: Model): string => `will-${slug}`;
const statedEndpoint = ({ document }: Model): string | undefined => document.endpoint ?? document.local?.endpoint;

function portOf(endpoint: string | undefined): number | undefined {
  const url = endpoint === undefined ? null : URL.parse(endpoint);
  return url && url.port !== '' ? Number(url.port) : undefined;
}

function whyStopped(state: ContainerState | undefined): string {
  if (!state) return 'its container is gone';
  if (state.ranOutOfMemory) return 'its container ended because it ran out of memory';
  return `its container ended with code ${state.exitCode}`;
}
