import { type Bus, connectBus, type Incoming, LifeWatch } from '@will/bus';
import { newId, patterns, subjects } from '@will/contracts';
import { TaskError, type StreamPart, type TaskClient, type TaskRequest, type TaskResult } from './api.ts';
import { Run, type RunSupport } from './run.ts';
import { taskMessage } from './task-message.ts';

export interface ClientOptions {
  /** Who asks, where the request does not say: a client's slug. Default `default`. */
  readonly client?: string;
  /** An open connection to use; it stays open at `close()`. */
  readonly bus?: Bus;
  /** Where the bus is, when no `bus` is given. Default `nats://127.0.0.1:4222`. */
  readonly servers?: string;
  /**
   * True: requests may name any client. Needs the permission to listen to every client's inbox, which only doors have.
   * Default: true as long as the bus has no permissions.
   */
  readonly speaksForMany?: boolean;
}

/** Connects to the bus to run tasks. @throws {BusError} 'disconnected' when no server answers. */
export async function connectClient(options: ClientOptions = {}): Promise<TaskClient> {
  const client = options.client ?? 'default';
  const bus =
    options.bus ??
    (await connectBus({
      servers: options.servers ?? 'nats://127.0.0.1:4222',
      processId: `client-${newId()}`,
      inboxScope: client,
    }));
  return new BusTaskClient(bus, client, options.speaksForMany ?? true, options.bus === undefined);
}

class BusTaskClient implements TaskClient, RunSupport {
  readonly bus: Bus;
  readonly life: LifeWatch;
  readonly #client: string;
  readonly #ownsBus: boolean;
  readonly #connectionId = newId();
  readonly #inboxes = new Map<string, (message: Incoming) => void>();
  readonly #stopListening: () => void;

  constructor(bus: Bus, client: string, speaksForMany: boolean, ownsBus: boolean) {
    this.bus = bus;
    this.life = new LifeWatch(bus);
    this.#client = client;
    this.#ownsBus = ownsBus;
    const inbox = bus.listen(patterns.inbox(speaksForMany ? '*' : client, this.#connectionId), (message) => {
      const token = message.subject.slice(message.subject.lastIndexOf('.') + 1);
      this.#inboxes.get(token)?.(message);
    });
    this.#stopListening = () => inbox.unsubscribe();
  }

  openInbox(client: string, onMessage: (message: Incoming) => void): { readonly subject: string; close(): void } {
    const token = newId();
    const subject = subjects.inbox(client, this.#connectionId, token);
    this.#inboxes.set(token, onMessage);
    return { subject, close: () => this.#inboxes.delete(token) };
  }

  run(request: TaskRequest): Promise<TaskResult> {
    return this.start(request, false, () => {});
  }

  async start(request: TaskRequest, stream: boolean, onPart: (part: StreamPart) => void): Promise<TaskResult> {
    const nowMs = Date.now();
    const message = taskMessage(request, stream, nowMs);
    const { signal } = request;
    if (signal?.aborted) throw new TaskError('cancelled', 'the caller cancelled the task', { taskId: message.taskId });
    const run = this.#open(request.client ?? this.#client, message, onPart, nowMs);
    const cancel = (): void => run.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await run.result;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async *stream(request: TaskRequest): AsyncIterable<StreamPart> {
    const parts: StreamPart[] = [];
    let wake = (): void => {};
    let failure: TaskError | undefined;
    let isDone = false;
    const abort = new AbortController();
    const signal = request.signal ? AbortSignal.any([request.signal, abort.signal]) : abort.signal;
    void this.start({ ...request, signal }, true, (part) => {
      parts.push(part);
      wake();
    })
      .catch((error: TaskError) => {
        failure = error;
      })
      .finally(() => {
        isDone = true;
        wake();
      });
    try {
      while (true) {
        yield* parts.splice(0);
        if (parts.length > 0) continue;
        if (failure !== undefined) throw failure;
        if (isDone) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      // Whoever leaves the loop early wants no more of it.
      if (!isDone) abort.abort();
    }
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.life.close();
    if (this.#ownsBus) await this.bus.close();
  }

  #open(
    client: string,
    message: ReturnType<typeof taskMessage>,
    onPart: (part: StreamPart) => void,
    nowMs: number,
  ): Run {
    try {
      return new Run(this, client, message, onPart, nowMs);
    } catch (cause) {
      throw new TaskError('invalid_task', (cause as Error).message, { taskId: message.taskId, cause });
    }
  }
}
