import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { isAbsolute, relative, resolve } from 'node:path';
import { failureOf, type Model } from '@will/core';
import {
  type ContentDelta,
  failed,
  type Health,
  type ModelCall,
  type ModelConnection,
  type Provider,
  ProviderConfigError,
  type ProviderOutcome,
} from '../port.ts';
import { describeGguf, type GgufModel } from './describe-file.ts';
import { usualModelMemory } from '../machine-memory.ts';
import { estimateInWords, estimateMemory, inMib, type MemoryEstimate } from './estimate.ts';
import { readChat } from './input.ts';
import type { FromChild, LoadOptions, ToChild } from './protocol.ts';

export interface GgufOptions {
  /** What a relative `local.path` is relative to. */
  readonly dataDir: string;
  /** Threads of one model; 0: half of the machine's. */
  readonly threads: number;
  /** What models in this process may take together, in bytes; absent: {@link usualModelMemory}. */
  readonly memoryBytes?: number;
}

const loadTimeoutMs = 180_000;
const mostSequences = 8;
/** A model that keeps crashing is started ever more rarely, up to this. */
const longestBackoffMs = 30_000;

/** A gguf file, computed by llama.cpp in a process of its own. */
export function gguf(options: GgufOptions): Provider {
  return {
    name: 'gguf',
    async open(model) {
      const path = pathOf(model, options.dataDir);
      const file = await describeGguf(path, model.document.local?.path);
      const load = loadOptionsOf(model, path, file, options);
      checkFit(model, estimateMemory(file, load.contextTokens, load.sequences), options.memoryBytes);
      const connection = new GgufConnection(load);
      await connection.start();
      return connection;
    },
  };
}

function pathOf(model: Model, dataDir: string): string {
  const path = model.document.local?.path;
  if (path === undefined) throw new ProviderConfigError(`model ${model.slug} has no local.path`);
  return isAbsolute(path) ? path : withinFolder(dataDir, path);
}

function loadOptionsOf(model: Model, path: string, file: GgufModel, { threads }: GgufOptions): LoadOptions {
  return {
    path,
    threads: threads > 0 ? threads : Math.max(1, Math.floor(availableParallelism() / 2)),
    sequences: Math.min(mostSequences, model.concurrency ?? 1),
    contextTokens: contextTokensOf(file, model.contextTokens),
    gpu: model.document.local?.device === 'cpu' ? false : 'auto',
  };
}

/** Tokens that a context is made for: as many as the document states, else at most 4,096; never more than the model has. */
export function contextTokensOf(file: GgufModel, stated: number | undefined): number {
  return Math.min(file.contextTokens ?? Infinity, stated ?? usualContextTokens);
}

/** Memory grows with the context: where nobody asks for more, it is no larger. */
const usualContextTokens = 4_096;

/**
 * What the document states counts, and otherwise the estimate; but nothing takes less than its weights.
 * @throws {ProviderConfigError} it does not fit, with the numbers.
 */
function checkFit({ slug, document }: Model, estimate: MemoryEstimate, memoryBytes = usualModelMemory()): void {
  const stated = document.local?.memory_mb;
  const needed = stated === undefined ? estimate.total : Math.max(stated * 1024 * 1024, estimate.weights);
  if (needed <= memoryBytes) return;
  const words = stated === undefined ? estimateInWords(estimate) : `${inMib(needed)} MiB (local.memory_mb ${stated})`;
  throw new ProviderConfigError(
    `model ${slug} does not fit: it needs ${words}, and models may take ${inMib(memoryBytes)} MiB here`,
  );
}

/** @throws {ProviderConfigError} the path leads out of the folder, where only an absolute one may. */
function withinFolder(folder: string, path: string): string {
  const full = resolve(folder, path);
  if (relative(folder, full).startsWith('..'))
    throw new ProviderConfigError(`local.path ${path} must stay within the data folder, or be absolute`);
  return full;
}

interface Running {
  readonly call: ModelCall;
  readonly onDelta: (delta: ContentDelta) => void;
  readonly settle: (outcome: ProviderOutcome) => void;
  text: string;
  readonly timers: { firstContent: NodeJS.Timeout; lastWordMs: number };
}

class GgufConnection implements ModelConnection {
  readonly naturalConcurrency: number;
  readonly #options: LoadOptions;
  readonly #running = new Map<number, Running>();
  readonly #idleTimer: NodeJS.Timeout;
  #child: ChildProcess | undefined;
  /** The process that is loading the model; it becomes the child once it can compute. */
  #loading: ChildProcess | undefined;
  #starting: Promise<void> | undefined;
  #nextId = 1;
  #crashes = 0;
  #mayStartAtMs = 0;
  #isClosed = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.naturalConcurrency = options.sequences;
    this.#idleTimer = setInterval(() => this.#endStalled(), 1_000);
    this.#idleTimer.unref();
  }

  /** Starts the process and loads the model. @throws {ProviderConfigError} it cannot be loaded. */
  start(): Promise<void> {
    this.#starting ??= this.#launch().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async run(call: ModelCall, onDelta: (delta: ContentDelta) => void, signal: AbortSignal): Promise<ProviderOutcome> {
    const aborted = (): ProviderOutcome => failed(failureOf(signal.reason === 'deadline' ? 'deadline' : 'cancelled'));
    if (signal.aborted) return aborted();
    const input = readChat(call);
    if (typeof input === 'string') return failed(failureOf('bad_request', { detail: input }));
    if (!(await this.#isUpBefore(signal)))
      return signal.aborted
        ? aborted()
        : failed(failureOf('crashed', { retryAfterMs: Math.max(0, this.#mayStartAtMs - performance.now()) }));
    const id = this.#nextId++;
    const { promise, resolve: settle } = Promise.withResolvers<ProviderOutcome>();
    const firstContent = setTimeout(
      () => this.#giveUp(id, failed(failureOf('first_token_timeout'))),
      call.firstContentTimeoutMs,
    );
    this.#running.set(id, { call, onDelta, settle, text: '', timers: { firstContent, lastWordMs: 0 } });
    const abort = (): void => this.#giveUp(id, aborted());
    signal.addEventListener('abort', abort, { once: true });
    this.#tell({ kind: 'run', id, input });
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  async probe(): Promise<Health> {
    const isUp = await this.#isUp();
    return { healthy: isUp, detail: isUp ? 'loaded' : 'the model’s process crashed and is started again in a moment' };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#idleTimer);
    const child = this.#child ?? this.#loading;
    this.#child = undefined;
    for (const id of this.#running.keys()) this.#settle(id, failed(failureOf('cancelled')));
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolveGone) => child.once('exit', resolveGone));
    child.kill('SIGKILL');
    await gone;
  }

  /** As {@link #isUp}, but an abort does not wait for a model that is being loaded. */
  #isUpBefore(signal: AbortSignal): Promise<boolean> {
    const { promise, resolve: answer } = Promise.withResolvers<boolean>();
    const giveUp = (): void => answer(false);
    signal.addEventListener('abort', giveUp, { once: true });
    void this.#isUp().then(answer);
    return promise.finally(() => signal.removeEventListener('abort', giveUp));
  }

  async #isUp(): Promise<boolean> {
    if (this.#child) return true;
    if (this.#isClosed || performance.now() < this.#mayStartAtMs) return false;
    return this.start().then(
      () => true,
      () => false,
    );
  }

  async #launch(): Promise<void> {
    // Only what a process needs to run: no key of the worker's reaches it.
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
    const child = fork(new URL('./child.ts', import.meta.url), {
      env,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#loading = child;
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
    child.send({ kind: 'load', options: this.#options } satisfies ToChild);
    try {
      await loaded.promise;
      if (this.#isClosed) throw new ProviderConfigError('closed while loading');
      this.#child = child;
    } catch (error) {
      child.kill('SIGKILL');
      this.#backOff();
      throw error;
    } finally {
      this.#loading = undefined;
      clearTimeout(timer);
    }
  }

  #exited(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#backOff();
    for (const id of this.#running.keys()) this.#settle(id, failed(failureOf('crashed')));
  }

  #backOff(): void {
    // The first crash is forgiven: the next call starts it again at once.
    this.#mayStartAtMs =
      this.#crashes === 0 ? 0 : performance.now() + Math.min(longestBackoffMs, 500 * 2 ** this.#crashes);
    this.#crashes += 1;
  }

  #receive(message: Exclude<FromChild, { kind: 'loaded' | 'not_loaded' }>): void {
    const running = this.#running.get(message.id);
    if (!running) return;
    if (message.kind === 'text') return this.#text(running, message.text);
    if (message.kind === 'error') return this.#settle(message.id, failed(failureOf(message.reason)));
    this.#crashes = 0;
    const { inputTokens, outputTokens } = message;
    const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false };
    const finish = message.finish === 'abort' ? 'stop' : message.finish;
    const output = running.call.stream && running.text !== '' ? undefined : { text: running.text };
    this.#settle(message.id, { ok: true, finish, usage, output });
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
