import { contained } from '@will/runtime';
import { type ChildProcess, fork } from 'node:child_process';
import { failureOf } from '@will/core';
import type { MemoryBudget, Place, Tenant } from '../memory-budget.ts';
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
import type { FromChild, ToChild } from './protocol.ts';

/** A model that is computed in a process of its own. */
export interface LocalModel {
  readonly slug: string;
  /** The module that calls `compute`. */
  readonly program: URL;
  /** What it loads. */
  readonly options: unknown;
  /** Calls that it computes at once. */
  readonly concurrency: number;
  readonly memory: Pick<Tenant, 'bytes' | 'inWords'>;
  /** Looks at its file before every load: it may be another one by now. @throws {ProviderConfigError} it must not be loaded. */
  readonly beforeLoad?: () => Promise<void>;
  /** The caller's input as the process takes it; a string says what is wrong with it, without repeating any of it. */
  readonly readInput: (call: ModelCall) => object | string;
}

const loadTimeoutMs = 180_000;
/** A model that keeps crashing is started ever more rarely, up to this. */
const maxBackoffMs = 30_000;

interface Running {
  readonly call: ModelCall;
  readonly onDelta: (delta: ContentDelta) => void;
  readonly settle: (outcome: ProviderOutcome) => void;
  text: string;
  readonly timers: { firstContent: NodeJS.Timeout; lastWordMs: number };
}

/**
 * Opens a model in a process of its own. It is loaded at once where the memory is free, else when it is first called.
 * @throws {ProviderConfigError} it does not fit, or cannot be loaded.
 */
export async function openLocalModel(model: LocalModel, budget: MemoryBudget): Promise<ModelConnection> {
  const connection = new LocalConnection(model, budget);
  try {
    await connection.loadIfFree();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class LocalConnection implements ModelConnection {
  readonly naturalConcurrency: number;
  readonly #model: LocalModel;
  readonly #place: Place;
  readonly #running = new Map<number, Running>();
  readonly #idleTimer: NodeJS.Timeout;
  #child: ChildProcess | undefined;
  /** The process that is loading the model; it becomes the child once it can compute. */
  #loading: ChildProcess | undefined;
  #starting: Promise<void> | undefined;
  #loadMs = 0;
  #nextId = 1;
  #crashes = 0;
  #mayStartAtMs = 0;
  /** Why it does not compute, while it should. */
  #trouble = '';
  #isClosed = false;

  constructor(model: LocalModel, budget: MemoryBudget) {
    this.#model = model;
    this.#place = budget.admit({
      name: model.slug,
      ...model.memory,
      unload: () => this.#stop(),
      loadMs: () => this.#loadMs,
    });
    this.naturalConcurrency = model.concurrency;
    this.#idleTimer = setInterval(
      contained(() => this.#endStalled()),
      1_000,
    );
    this.#idleTimer.unref();
  }

  /** @throws {ProviderConfigError} it cannot be loaded. */
  async loadIfFree(): Promise<void> {
    if (!this.#place.tryEnter()) return;
    try {
      await this.#start();
    } finally {
      this.#place.leave();
    }
  }

  async run(call: ModelCall, onDelta: (delta: ContentDelta) => void, signal: AbortSignal): Promise<ProviderOutcome> {
    const aborted = (): ProviderOutcome => failed(failureOf(abortedBy(signal)));
    if (signal.aborted) return aborted();
    const input = this.#model.readInput(call);
    if (typeof input === 'string') return failed(failureOf('bad_request', { detail: input }));
    if (!(await this.#place.enter(signal))) return signal.aborted ? aborted() : failed(failureOf('cancelled'));
    try {
      if (!(await this.#isUpBefore(signal))) return signal.aborted ? aborted() : failed(this.#whyNotUp());
      return await this.#compute(call, input, onDelta, signal, aborted);
    } finally {
      this.#place.leave();
    }
  }

  async checkHealth(signal: AbortSignal): Promise<Health> {
    // Nothing is wrong with a model that gave its memory to another one.
    if (this.#trouble === '')
      return { healthy: true, detail: this.#child ? 'loaded' : 'not loaded; it is when it is called' };
    // Where others use the memory, the next call will show.
    if (!this.#place.tryEnter()) return { healthy: performance.now() >= this.#mayStartAtMs, detail: this.#trouble };
    const isUp = await this.#isUpBefore(signal).finally(() => this.#place.leave());
    return { healthy: isUp, detail: isUp ? 'loaded' : this.#trouble };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#idleTimer);
    await this.#stop();
    this.#place.close();
  }

  #compute(
    call: ModelCall,
    input: object,
    onDelta: (delta: ContentDelta) => void,
    signal: AbortSignal,
    aborted: () => ProviderOutcome,
  ): Promise<ProviderOutcome> {
    if (signal.aborted || call.mayLeave?.() === false) return Promise.resolve(aborted());
    const id = this.#nextId++;
    const { promise, resolve: settle } = Promise.withResolvers<ProviderOutcome>();
    const firstContent = setTimeout(
      contained(() => this.#giveUp(id, failed(failureOf('first_token_timeout')))),
      call.firstContentTimeoutMs,
    );
    this.#running.set(id, { call, onDelta, settle, text: '', timers: { firstContent, lastWordMs: 0 } });
    const abort = (): void => this.#giveUp(id, aborted());
    signal.addEventListener('abort', abort, { once: true });
    this.#tell({ kind: 'run', id, input });
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** As {@link #isUp}, but an abort does not wait for a model that is being loaded. */
  #isUpBefore(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    const { promise, resolve: answer } = Promise.withResolvers<boolean>();
    const giveUp = (): void => answer(false);
    signal.addEventListener('abort', giveUp, { once: true });
    void this.#isUp().then(answer);
    return promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  async #isUp(): Promise<boolean> {
    if (this.#child) return true;
    if (this.#isClosed || performance.now() < this.#mayStartAtMs) return false;
    return this.#start().then(
      () => true,
      () => false,
    );
  }

  #whyNotUp(): ReturnType<typeof failureOf> {
    return failureOf('crashed', { retryAfterMs: Math.max(0, this.#mayStartAtMs - performance.now()) });
  }

  #start(): Promise<void> {
    this.#starting ??= this.#launch().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #launch(): Promise<void> {
    try {
      await this.#model.beforeLoad?.();
    } catch (error) {
      this.#backOff(troubleOf(error));
      throw error;
    }
    // Only what a process needs to run: no key of the worker's reaches it.
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
    const child = fork(this.#model.program, {
      env,
      execArgv: ['--disable-sigusr1'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Bytes travel as bytes.
      serialization: 'advanced',
    });
    this.#loading = child;
    const startedMs = performance.now();
    const loaded = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => loaded.reject(new ProviderConfigError(`the model did not load within ${loadTimeoutMs / 1000} s`)),
      loadTimeoutMs,
    );
    child.on('message', (message: FromChild) => {
      if (message.kind === 'loaded') loaded.resolve();
      else if (message.kind === 'not_loaded')
        loaded.reject(new ProviderConfigError(`the model cannot be loaded: ${message.message}`));
      else this.#receive(message);
    });
    child.once('exit', () => {
      loaded.reject(new ProviderConfigError('the model’s process crashed while loading'));
      this.#exited(child);
    });
    child.once('error', () => loaded.reject(new ProviderConfigError('the model’s process could not be started')));
    child.send({ kind: 'load', options: this.#model.options } satisfies ToChild, () => {});
    try {
      await loaded.promise;
      if (this.#isClosed) throw new ProviderConfigError('closed while loading');
      this.#child = child;
      this.#loadMs = performance.now() - startedMs;
      this.#trouble = '';
    } catch (error) {
      child.kill('SIGKILL');
      this.#backOff(troubleOf(error));
      throw error;
    } finally {
      this.#loading = undefined;
      clearTimeout(timer);
    }
  }

  /** Ends the process and everything it computes, and resolves when its memory is free. */
  async #stop(): Promise<void> {
    const child = this.#child ?? this.#loading;
    this.#child = undefined;
    for (const id of this.#running.keys()) this.#settle(id, failed(failureOf('cancelled')));
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolveGone) => child.once('exit', resolveGone));
    child.kill('SIGKILL');
    await gone;
  }

  #exited(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#backOff('the model’s process crashed and is started again in a moment');
    for (const id of this.#running.keys()) this.#settle(id, failed(failureOf('crashed')));
  }

  #backOff(trouble: string): void {
    this.#trouble = trouble;
    // The first crash is forgiven: the next call starts it again at once.
    this.#mayStartAtMs = this.#crashes === 0 ? 0 : performance.now() + Math.min(maxBackoffMs, 500 * 2 ** this.#crashes);
    this.#crashes += 1;
  }

  #receive(message: Exclude<FromChild, { kind: 'loaded' | 'not_loaded' }>): void {
    const running = this.#running.get(message.id);
    if (!running) return;
    if (message.kind === 'text') return this.#text(running, message.text);
    if (message.kind === 'error') {
      const { reason, detail } = message;
      return this.#settle(message.id, failed(failureOf(reason, detail === undefined ? {} : { detail })));
    }
    this.#crashes = 0;
    const { finish, inputTokens, outputTokens, cachedInputTokens = 0, isEstimated: estimated = false } = message;
    const usage = { inputTokens, outputTokens, cachedInputTokens, reasoningTokens: 0, estimated };
    this.#settle(message.id, { ok: true, finish, usage, output: outputOf(running, message.output) });
  }

  #text(running: Running, text: string): void {
    clearTimeout(running.timers.firstContent);
    running.timers.lastWordMs = performance.now();
    running.text += text;
    if (running.call.stream) running.onDelta({ text });
  }

  /** Ends a call that this side wants no more of; what the process still says of it is not heard. */
  #giveUp(id: number, outcome: ProviderOutcome): void {
    if (!this.#running.has(id)) return;
    this.#tell({ kind: 'abort', id });
    this.#settle(id, outcome);
  }

  #settle(id: number, outcome: ProviderOutcome): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#running.delete(id);
    clearTimeout(running.timers.firstContent);
    running.settle(outcome);
  }

  #endStalled(): void {
    const nowMs = performance.now();
    for (const [id, { call, timers }] of this.#running)
      if (timers.lastWordMs > 0 && nowMs - timers.lastWordMs > call.idleTimeoutMs)
        this.#giveUp(id, failed(failureOf('stalled')));
  }

  #tell(message: ToChild): void {
    this.#child?.send(message, () => {});
  }
}

const troubleOf = (error: unknown): string => (error instanceof Error ? error.message : 'it cannot be loaded');

/** What is left to give at the end: nothing where it went out piece by piece. */
const outputOf = ({ call, text }: Running, whole: ContentDelta | undefined): ContentDelta | undefined =>
  whole ?? (call.stream && text !== '' ? undefined : { text });
