import { Worker } from 'node:worker_threads';
import { StoreError } from '../errors.ts';
import type { StoreAnswer, Failure, FromThread, Request, StoreKind, ThreadSettings, ToThread } from './protocol.ts';

/** So many requests share a transaction; the rest waits for the next. */
const maxPerTransaction = 256;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: StoreError) => void;
}

type Operation = (...args: never[]) => unknown;

/** Its objects live for one transaction: of the engine's 48 MiB for young ones it would fill all and need a fourth. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

/**
 * The process's end of a database thread. While the thread writes, requests gather here and go over together; each
 * answer comes after the commit.
 */
export class StoreThread<Operations extends { readonly [K in keyof Operations]: Operation }> {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #exited: Promise<void>;
  #queue: Request[] = [];
  #isBusy = false;
  #nextId = 1;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;
  /** Why nothing can be asked any more. */
  #ended: StoreError | undefined;

  private constructor(worker: Worker, path: string) {
    this.#worker = worker;
    this.#path = path;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('error', (cause) => this.#end(new StoreError('unavailable', `${path}: its thread failed`, { cause })));
    worker.on('exit', () => this.#end(new StoreError('unavailable', `${path} is closed`)));
    worker.on('message', (message: FromThread) => this.#received(message));
  }

  /** @throws {StoreError} 'locked', 'corrupt', 'unavailable' */
  static async open<Operations extends { readonly [K in keyof Operations]: Operation }>(
    kind: StoreKind,
    path: string,
  ): Promise<StoreThread<Operations>> {
    const workerData: ThreadSettings = { kind, path };
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData,
      name: `store ${kind}`,
      resourceLimits,
    });
    const thread = new StoreThread<Operations>(worker, path);
    try {
      await thread.#opened.promise;
      return thread;
    } catch (error) {
      await thread.#exited;
      throw error;
    }
  }

  call<K extends keyof Operations & string>(
    operation: K,
    ...args: Parameters<Operations[K]>
  ): Promise<ReturnType<Operations[K]>> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#closing) return Promise.reject(new StoreError('unavailable', `${this.#path} is closed`));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#queue.push({ id, operation, args });
      this.#send();
    });
  }

  /** Lets everything that was asked finish, then ends the thread. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    if (!this.#ended) this.#post({ kind: 'close' });
    await this.#exited;
  }

  #send(): void {
    if (this.#isBusy || this.#queue.length === 0) return;
    this.#isBusy = true;
    this.#post({ kind: 'requests', requests: this.#queue.splice(0, maxPerTransaction) });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #received(message: FromThread): void {
    if (message.kind === 'answers') this.#answered(message.answers);
    else if (message.kind === 'opened') this.#opened.resolve();
    else this.#end(errorOf(message.failure));
  }

  #answered(answers: readonly StoreAnswer[]): void {
    this.#isBusy = false;
    for (const answer of answers) this.#settle(answer);
    this.#send();
    if (this.#waiting.size === 0) this.#onIdle?.();
  }

  #settle(answer: StoreAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.ok) waiting?.resolve(answer.value as never);
    else waiting?.reject(errorOf(answer.failure));
  }

  #end(error: StoreError): void {
    this.#ended ??= error;
    this.#opened.reject(this.#ended);
    this.#queue = [];
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    this.#onIdle?.();
  }
}

const errorOf = ({ code, message }: Failure): StoreError => new StoreError(code, message);
