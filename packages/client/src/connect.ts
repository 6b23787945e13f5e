import { type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import {
  type Bus,
  BusError,
  type BusTlsFiles,
  connectBus,
  type Incoming,
  LivenessMonitor,
  LoopWatch,
  openPayloads,
  type Payloads,
  serverTouch,
} from '@will/bus';
import { slugPattern, TransientMap } from '@will/core';
import {
  fromBinary,
  newId,
  patterns,
  sizes,
  SubjectError,
  subjects,
  toBinary,
  wire,
  type TaskOperation,
} from '@will/contracts';
import { checkRequest } from './check-request.ts';
import { clientSlug } from './client-slug.ts';
import { durableTasks, type DurableWire } from './durable.ts';
import { explanationOf, questionOnWire } from './explain.ts';
import { streamOf } from './stream.ts';
import {
  type DurableTasks,
  type Explanation,
  type Question,
  type StreamPart,
  type TaskClient,
  TaskError,
  type TaskRequest,
  type TaskResult,
} from './api.ts';
import { Run, type RunSupport } from './run.ts';
import { inputBytes, taskMessage } from './task-message.ts';
import { withPayload } from './with-payload.ts';

/** Address and identity of a client. */
export interface ClientOptions {
  /** Who asks, where the request does not say: slug, name or alias of a client. Default `default`. */
  readonly client?: string;
  /** An open connection to use; it stays open at `close()`. */
  readonly bus?: Bus;
  /**
   * Where to connect, when no `bus` is given: `nats://…` for the bus, `grpc://host:port` for a gateway's gRPC server,
   * `grpcs://host:port` where that speaks TLS, by an authority that Node trusts. Default `nats://127.0.0.1:4222`.
   */
  readonly servers?: string;
  /** Where the gateway asks for keys: a key, `sk-will-…`. Only over gRPC. */
  readonly apiKey?: string;
  /** Where the bus has users: file with the seed of this client's user. */
  readonly seedFile?: string;
  /** Where the bus speaks TLS: files of the authority, and of this client's certificate and key. */
  readonly tls?: BusTlsFiles;
  /**
   * True: requests may name any client. Needs the permission to listen to every client's inbox, which only servers have.
   * Default: true as long as no `seedFile` is given.
   */
  readonly speaksForMany?: boolean;
}

const explainWithinMs = 5_000;

/**
 * Connects to run tasks. @throws {BusError} 'disconnected' when no server answers; over gRPC the first call tells
 * instead, and connections come and go behind the scenes.
 */
export async function connectClient(options: ClientOptions = {}): Promise<TaskClient> {
  const client = options.client ?? 'default';
  if (options.bus === undefined && /^grpcs?:\/\//.test(options.servers ?? '')) {
    // Who stays on the bus does not load a gRPC library.
    const { connectGrpc } = await import('./grpc.ts');
    const { servers: url = '', apiKey } = options;
    return connectGrpc({ url, client: options.client ?? '', apiKey });
  }
  const bus =
    options.bus ??
    (await connectBus({
      servers: options.servers ?? 'nats://127.0.0.1:4222',
      processId: `client-${newId()}`,
      // A name that is no slug is only known once somebody can be asked.
      inboxScope: slugPattern.test(client) ? client : 'default',
      seedFile: options.seedFile,
      tls: options.tls,
    }));
  const ownsBus = options.bus === undefined;
  try {
    const slug = await clientSlug(bus, client);
    return new BusTaskClient(bus, slug, options.speaksForMany ?? options.seedFile === undefined, ownsBus);
  } catch (error) {
    if (ownsBus) await bus.close();
    throw error;
  }
}

class BusTaskClient implements TaskClient, RunSupport {
  readonly bus: Bus;
  readonly life: LivenessMonitor;
  readonly isInTouch: () => Promise<boolean>;
  readonly #loop = new LoopWatch();
  readonly #client: string;
  readonly #ownsBus: boolean;
  readonly #connectionId = newId();
  readonly #inboxes = new TransientMap<(message: Incoming) => void>();
  readonly #stopListening: () => void;
  readonly #payloads: Payloads;
  readonly submit: DurableTasks['submit'];
  readonly task: DurableTasks['task'];
  readonly result: DurableTasks['result'];
  readonly cancelTask: DurableTasks['cancelTask'];
  readonly events: DurableTasks['events'];
  readonly requeueTask: DurableTasks['requeueTask'];
  readonly tasks: DurableTasks['tasks'];

  constructor(bus: Bus, client: string, speaksForMany: boolean, ownsBus: boolean) {
    this.bus = bus;
    this.life = new LivenessMonitor(bus);
    this.isInTouch = serverTouch(bus, this.#loop);
    this.#payloads = openPayloads(bus);
    this.#client = client;
    this.#ownsBus = ownsBus;
    const inbox = bus.listen(patterns.inbox(speaksForMany ? '*' : client, this.#connectionId), (message) => {
      const token = message.subject.slice(message.subject.lastIndexOf('.') + 1);
      this.#inboxes.get(token)?.(message);
    });
    this.#stopListening = () => inbox.unsubscribe();
    const durable = durableTasks(durableOverBus(bus), client);
    this.submit = durable.submit;
    this.task = durable.task;
    this.result = durable.result;
    this.cancelTask = durable.cancelTask;
    this.events = durable.events;
    this.requeueTask = durable.requeueTask;
    this.tasks = durable.tasks;
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

  start(request: TaskRequest, stream: boolean, onPart: (part: StreamPart) => void): Promise<TaskResult> {
    try {
      checkRequest(request);
      const said = request.client ?? this.#client;
      // Most callers say the slug, and wait for nothing.
      if (slugPattern.test(said)) return this.#startAs(said, request, stream, onPart);
      return clientSlug(this.bus, said).then((client) => this.#startAs(client, request, stream, onPart));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @throws {TaskError} 'invalid_task', 'cancelled' */
  #startAs(
    client: string,
    request: TaskRequest,
    stream: boolean,
    onPart: (part: StreamPart) => void,
  ): Promise<TaskResult> {
    if (inputBytes(request.input).length > sizes.inputBytes && request.payload === undefined)
      return withPayload(this.#payloads, request, client, (small) => this.start(small, stream, onPart));
    const nowMs = Date.now();
    const message = taskMessage(request, stream, nowMs);
    const { signal, isStillWanted } = request;
    if (signal?.aborted) throw new TaskError('cancelled', 'the caller cancelled the task', { taskId: message.taskId });
    try {
      return new Run(this, { client, message, onPart, nowMs, isStillWanted, signal }).result;
    } catch (cause) {
      throw new TaskError('invalid_task', (cause as Error).message, { taskId: message.taskId, cause });
    }
  }

  stream(request: TaskRequest): AsyncIterable<StreamPart> {
    return streamOf(this, request);
  }

  async explain(question: Question): Promise<Explanation> {
    const request = toBinary(wire.DecideRequestSchema, questionOnWire(question, this.#client));
    try {
      const answer = await this.bus.request(subjects.policyExplain, request, explainWithinMs);
      return explanationOf(fromBinary(wire.DecideResponseSchema, answer));
    } catch (cause) {
      if (!(cause instanceof BusError)) throw cause;
      const why = cause.code === 'no_responders' ? 'no policy is running' : cause.message;
      throw new TaskError('unavailable', why, { taskId: '', isRetryable: true, cause });
    }
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.life.close();
    this.#loop.stop();
    if (this.#ownsBus) await this.bus.close();
  }
}

/** The one that is asked answers sooner, or died with the question; then another one is asked. */
const durableWithinMs = 5_000;
const maxTries = 3;

/** The operations on durable tasks over the bus. */
export function durableOverBus(bus: Bus): DurableWire {
  const ask =
    <Q extends DescMessage, A extends DescMessage>(operation: TaskOperation, question: Q, answer: A) =>
    async (said: string, request: MessageShape<Q>): Promise<MessageShape<A>> => {
      const client = await clientSlug(bus, said);
      const waitMs = 'waitMs' in request ? Number(request.waitMs) : 0;
      try {
        const data = toBinary(question, request);
        return fromBinary(answer, await askAgain(bus, operation, client, data, waitMs + durableWithinMs));
      } catch (cause) {
        if (cause instanceof SubjectError) throw new TaskError('invalid_task', cause.message, { taskId: '', cause });
        if (!(cause instanceof BusError)) throw cause;
        const why = cause.code === 'no_responders' ? 'no tasks service is running' : cause.message;
        const code = cause.code === 'too_large' ? 'too_large' : 'unavailable';
        throw new TaskError(code, why, { taskId: '', isRetryable: code === 'unavailable', cause });
      }
    };
  return {
    submit: ask('submit', wire.SubmitRequestSchema, wire.SubmitResponseSchema),
    get: ask('get', wire.GetTaskRequestSchema, wire.GetTaskResponseSchema),
    cancel: ask('cancel', wire.CancelTaskRequestSchema, wire.CancelTaskResponseSchema),
    list: ask('list', wire.ListTasksRequestSchema, wire.ListTasksResponseSchema),
    requeue: ask('requeue', wire.RequeueTaskRequestSchema, wire.RequeueTaskResponseSchema),
  };
}

/** Again where no answer came: each operation, done twice, is as done once, since a task's id tells that it is the same. */
async function askAgain(
  bus: Bus,
  operation: TaskOperation,
  client: string,
  data: Uint8Array,
  withinMs: number,
): Promise<Uint8Array> {
  const subject = subjects.task(operation, client);
  for (let tries = 1; ; tries += 1) {
    try {
      // In the client's own inbox: no other one is written to.
      return await bus.request(subject, data, withinMs, subjects.inbox(client, bus.processId, newId()));
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'timeout' || tries === maxTries) throw error;
    }
  }
}
