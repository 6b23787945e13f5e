import { type DescService, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  type ChannelCredentials,
  Client,
  type ClientReadableStream,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type GrpcMethod, grpcMethodsOf, newId, sizes, wire } from '@will/contracts';
import { mergeToolCalls } from '@will/core';
import {
  type CancelSignal,
  type DurableTasks,
  type Explanation,
  type Question,
  type StreamPart,
  type TaskClient,
  TaskError,
  type TaskErrorCode,
  type TaskRequest,
  type TaskResult,
} from './api.ts';
import { checkRequest } from './check-request.ts';
import { DataPieces } from './data.ts';
import { durableTasks, type DurableWire } from './durable.ts';
import { explanationOf, questionOnWire } from './explain.ts';
import { taskErrorOf } from './failure.ts';
import { noticesOf, refusalOf, resultOfEnd } from './on-wire.ts';
import { streamOf } from './stream.ts';
import { checkTaskId, deadlineOf, inputBytes, taskOnWire } from './task-message.ts';

const explainWithinMs = 5_000;
/** The server ends a task at its deadline, with reasons; this much later the call ends by itself, without them. */
const deadlineGraceMs = 250;

export interface GrpcOptions {
  /** `grpc://host:port`, or with TLS `grpcs://host:port`. */
  readonly url: string;
  readonly client: string;
  readonly apiKey: string | undefined;
}

/** Runs tasks through a gateway's gRPC server. */
export function connectGrpc(options: GrpcOptions): TaskClient {
  return new GrpcTaskClient(options);
}

const channelOf = ({ url }: GrpcOptions): ChannelCredentials =>
  url.startsWith('grpcs://') ? credentials.createSsl() : credentials.createInsecure();

/** Shows the key with every call. */
const showing =
  (apiKey: string): Interceptor =>
  (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        metadata.set('authorization', `Bearer ${apiKey}`);
        next(metadata, listener);
      },
    });

/** A method of a service by its name in TypeScript. */
const methodOf = (service: DescService, name: string): GrpcMethod => grpcMethodsOf(service)[name] as GrpcMethod;
const run = methodOf(wire.TaskService, 'run');
const stream = methodOf(wire.TaskService, 'stream');
const explain = methodOf(wire.TaskService, 'explain');

class GrpcTaskClient implements TaskClient {
  readonly #client: string;
  readonly #connection: Client;
  readonly submit: DurableTasks['submit'];
  readonly task: DurableTasks['task'];
  readonly result: DurableTasks['result'];
  readonly cancelTask: DurableTasks['cancelTask'];
  readonly events: DurableTasks['events'];
  readonly requeueTask: DurableTasks['requeueTask'];
  readonly tasks: DurableTasks['tasks'];

  constructor(options: GrpcOptions) {
    this.#client = options.client;
    this.#connection = new Client(options.url.replace(/^grpcs?:\/\//, ''), channelOf(options), {
      'grpc.max_receive_message_length': sizes.resultBytes + sizes.messageBytes,
      ...(options.apiKey !== undefined && { interceptors: [showing(options.apiKey)] }),
    });
    const durable = durableTasks(overGrpc(this.#connection), options.client);
    this.submit = durable.submit;
    this.task = durable.task;
    this.result = durable.result;
    this.cancelTask = durable.cancelTask;
    this.events = durable.events;
    this.requeueTask = durable.requeueTask;
    this.tasks = durable.tasks;
  }

  run(request: TaskRequest): Promise<TaskResult> {
    return this.start(request, false, () => {});
  }

  stream(request: TaskRequest): AsyncIterable<StreamPart> {
    return streamOf(this, request);
  }

  async start(request: TaskRequest, streamed: boolean, onPart: (part: StreamPart) => void): Promise<TaskResult> {
    checkRequest(request);
    const taskId = request.taskId ?? newId();
    checkTaskId(taskId);
    if (request.signal?.aborted) throw new TaskError('cancelled', 'the caller cancelled the task', { taskId });
    const input = inputBytes(request.input);
    if (input.length > sizes.payloadBytes)
      throw new TaskError('too_large', `input of ${input.length} bytes exceeds ${sizes.payloadBytes}`, { taskId });
    const deadlineUnixMs = deadlineOf(request.timeoutMs, Date.now());
    const task = taskOnWire(request, taskId, deadlineUnixMs, streamed, input);
    const message = { client: request.client ?? this.#client, task };
    const asked = { taskId, message, deadlineUnixMs, signal: request.signal };
    const result = await (streamed ? this.#streamed(asked, onPart) : this.#whole(asked));
    onPart({ kind: 'end', result });
    return result;
  }

  explain(question: Question): Promise<Explanation> {
    return new Promise((resolve, reject) => {
      this.#connection.makeUnaryRequest(
        explain.path,
        explain.requestSerialize,
        explain.responseDeserialize,
        questionOnWire(question, this.#client),
        new Metadata(),
        { deadline: Date.now() + explainWithinMs },
        (error, answer) => {
          if (error) return reject(errorOf(error, '', false));
          const { set, wouldChange } = answer as wire.ExplainResponse;
          resolve(explanationOf({ ...(set && { set }), wouldChange, error: '', retryable: true }));
        },
      );
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  #whole({ taskId, message, deadlineUnixMs, signal }: Asked): Promise<TaskResult> {
    return new Promise((resolve, reject) => {
      const call = this.#connection.makeUnaryRequest(
        run.path,
        run.requestSerialize,
        run.responseDeserialize,
        message,
        new Metadata(),
        callDeadline(deadlineUnixMs),
        (error, answer) => {
          signal?.removeEventListener('abort', cancel);
          if (error) return reject(errorOf(error, taskId, signal?.aborted === true));
          resolve(resultOf(taskId, (answer as wire.RunResponse).end as wire.End, undefined));
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel);
    });
  }

  #streamed(
    { taskId, message, deadlineUnixMs, signal }: Asked,
    onPart: (part: StreamPart) => void,
  ): Promise<TaskResult> {
    const call = this.#connection.makeServerStreamRequest(
      stream.path,
      stream.requestSerialize,
      stream.responseDeserialize,
      message,
      new Metadata(),
      callDeadline(deadlineUnixMs),
    );
    const cancel = (): void => call.cancel();
    signal?.addEventListener('abort', cancel);
    return collect(call, taskId, onPart)
      .catch((error: unknown) => {
        throw error instanceof TaskError ? error : errorOf(error as ServiceError, taskId, signal?.aborted === true);
      })
      .finally(() => signal?.removeEventListener('abort', cancel));
  }
}

/** Without a deadline of the task the call has none either: the router ends it. */
const callDeadline = (deadlineUnixMs: number): { deadline?: number } =>
  deadlineUnixMs === 0 ? {} : { deadline: deadlineUnixMs + deadlineGraceMs };

/** A question that waits is answered by then. */
const durableWithinMs = 30_000;

function overGrpc(connection: Client): DurableWire {
  const ask =
    <Answer>(name: string) =>
    (client: string, request: object): Promise<Answer> => {
      const { path, requestSerialize, responseDeserialize } = methodOf(wire.DurableTaskService, name);
      const options = { deadline: Date.now() + durableWithinMs };
      return new Promise((resolve, reject) => {
        connection.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { client, request },
          new Metadata(),
          options,
          (error, answer) => {
            if (error) reject(errorOf(error, '', false));
            else resolve((answer as { readonly response: Answer }).response);
          },
        );
      });
    };
  return {
    submit: ask('submitTask'),
    get: ask('getDurableTask'),
    cancel: ask('cancelDurableTask'),
    list: ask('listDurableTasks'),
    requeue: ask('requeueDurableTask'),
  };
}

interface Asked {
  readonly taskId: string;
  readonly message: object;
  readonly deadlineUnixMs: number;
  readonly signal: CancelSignal | undefined;
}

/** Hands on the parts of a stream in order; resolves only with its end. */
function collect(
  call: ClientReadableStream<object>,
  taskId: string,
  onPart: (part: StreamPart) => void,
): Promise<TaskResult> {
  return new Promise((resolve, reject) => {
    const said = { text: '', refusal: '', reasoning: '', toolCalls: [] as string[], data: new DataPieces() };
    let end: wire.End | undefined;
    call.on('data', (message: MessageShape<typeof wire.StreamResponseSchema>) => {
      const { part } = message;
      if (part.case === 'started') {
        const { model, modelName, decisionId, notices } = part.value;
        onPart({ kind: 'started', model, modelName, decisionId, ...noticesOf(notices) });
      } else if (part.case === 'delta') {
        const { text, refusal, reasoning } = part.value;
        const toolCalls = decoder.decode(part.value.toolCalls);
        said.text += text;
        said.refusal += refusal;
        said.reasoning += reasoning;
        if (toolCalls !== '') said.toolCalls.push(toolCalls);
        onPart({
          kind: 'delta',
          delta: { text, ...refusalOf(refusal), reasoning, toolCalls, ...said.data.take(part.value) },
        });
      } else if (part.case === 'end') end = part.value;
    });
    call.once('error', reject);
    call.once('end', () => {
      if (!end) return reject(new TaskError('truncated', 'the stream ended without an end', { taskId }));
      resolve(resultOf(taskId, end, said));
    });
  });
}

const decoder = new TextDecoder();

interface Said {
  readonly text: string;
  readonly refusal: string;
  readonly reasoning: string;
  readonly toolCalls: readonly string[];
  readonly data: DataPieces;
}

/** What was streamed before counts where the end holds no output. */
function resultOf(taskId: string, end: wire.End, said: Said | undefined): TaskResult {
  const result = resultOfEnd(taskId, end);
  if (end.output || !said) return result;
  const { text, refusal, reasoning, toolCalls, data } = said;
  return {
    ...result,
    output: text,
    ...refusalOf(refusal),
    reasoning,
    toolCalls: mergeToolCalls([...toolCalls]),
    ...data.whole(),
  };
}

const codes: Readonly<Partial<Record<status, TaskErrorCode>>> = {
  [status.INVALID_ARGUMENT]: 'invalid_task',
  [status.PERMISSION_DENIED]: 'blocked',
  [status.DEADLINE_EXCEEDED]: 'deadline',
  [status.RESOURCE_EXHAUSTED]: 'overloaded',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DATA_LOSS]: 'truncated',
  [status.CANCELLED]: 'cancelled',
};
const retryable: readonly TaskErrorCode[] = ['overloaded', 'unavailable', 'deadline'];

/** A failed call as the same error that the bus would have given: by its details, else by its status alone. */
function errorOf(error: ServiceError, taskId: string, isAborted: boolean): TaskError {
  if (isAborted) return new TaskError('cancelled', 'the caller cancelled the task', { taskId, cause: error });
  const failure = detailsOf(error);
  if (failure) return taskErrorOf(failure, taskId, error);
  const code = codes[error.code] ?? 'internal';
  return new TaskError(code, error.details, { taskId, isRetryable: retryable.includes(code), cause: error });
}

function detailsOf(error: ServiceError): wire.Failure | undefined {
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!(bytes instanceof Uint8Array)) return undefined;
  const { details } = fromBinary(wire.RpcStatusSchema, bytes);
  for (const detail of details) {
    const failure = anyUnpack(detail, wire.FailureSchema);
    if (failure) return failure;
  }
  return undefined;
}
