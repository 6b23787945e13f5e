import { toBinary, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { type Bus, BusError, type Incoming, type Serving } from '@will/bus';
import {
  attributesOfHeaders,
  clientOfTask,
  create,
  isInboxOf,
  type MayAnswer,
  mustBeSame,
  patterns,
  queues,
  readMessage,
  type Stray,
  strayOf,
  type TaskOperation,
  taskWithAttributes,
  wire,
} from '@will/contracts';
import { stateFromWire } from '../durable-task.ts';
import type { Tasks } from '../service.ts';
import { TasksError } from '../tasks-error.ts';

/** Serves the operations on durable tasks; the client is the subject's, and answers go to its inboxes only. */
export function serveTasks(
  bus: Bus,
  tasks: Tasks,
  mayAnswer: MayAnswer,
  onStray: (subject: string, stray: Stray) => void,
  onError: (what: string, error: unknown) => void,
): Serving {
  const serve = <Q extends DescMessage, A extends DescMessage>(
    operation: TaskOperation,
    [question, answer]: readonly [Q, A],
    work: (client: string, request: MessageShape<Q>) => Promise<MessageInitShape<A>>,
  ): Serving =>
    bus.serve(patterns.task(operation), queues.tasks, async (message) => {
      const client = clientOfTask(operation, message.subject);
      // Otherwise the answer could be written to any subject that this service may publish to, or to another client.
      if (client === undefined || !isInboxOf(client, message.reply)) {
        const stray = strayOf(message.subject, message.reply, mayAnswer);
        onStray(message.subject, stray);
        if (stray.reply === undefined) return undefined;
        return toBinary(answer, create(answer, { failure: strayFailure(stray) } as unknown as MessageInitShape<A>));
      }
      const answered = await understood(client, message, read(question, message), work).catch((error: unknown) => {
        if (!(error instanceof TasksError)) onError(`${operation} of a durable task`, error);
        // Each answer has a place for it.
        return { failure: failureOf(error) } as unknown as MessageInitShape<A>;
      });
      return toBinary(answer, create(answer, answered));
    });
  const servings = [
    serve('submit', [wire.SubmitRequestSchema, wire.SubmitResponseSchema], (client, request) =>
      tasks.submit(client, request),
    ),
    serve(
      'get',
      [wire.GetTaskRequestSchema, wire.GetTaskResponseSchema],
      async (client, { taskId, waitMs, projects }) => ({
        task: await tasks.get({ client, projects }, taskId, waitMs),
      }),
    ),
    serve(
      'cancel',
      [wire.CancelTaskRequestSchema, wire.CancelTaskResponseSchema],
      async (client, { taskId, projects }) => ({
        task: await tasks.cancel({ client, projects }, taskId),
      }),
    ),
    serve(
      'list',
      [wire.ListTasksRequestSchema, wire.ListTasksResponseSchema],
      async (client, { state, limit, dead, projects }) => ({
        tasks: await tasks.list({ client, projects }, { state: stateFromWire(state), dead }, limit),
      }),
    ),
    serve(
      'requeue',
      [wire.RequeueTaskRequestSchema, wire.RequeueTaskResponseSchema],
      async (client, { taskId, projects }) => ({
        task: await tasks.requeue({ client, projects }, taskId),
      }),
    ),
  ];
  return {
    async stop() {
      await Promise.all(servings.map((serving) => serving.stop()));
    },
  };
}

/** Does the work with the attributes that came as headers of the message. @throws {TasksError} 'INVALID_TASK' */
async function understood<Request, Answer>(
  client: string,
  { headers }: Incoming,
  request: Request,
  work: (client: string, request: Request) => Promise<Answer>,
): Promise<Answer> {
  if (!headers) return work(client, request);
  const read = attributesOfHeaders(headers);
  if ('problem' in read) throw invalid(read.problem.message);
  const clients = mustBeSame('client', client, read.attributes.client);
  if (clients) throw invalid(clients.message);
  const { task, ...rest } = request as { readonly task?: wire.Task };
  if (!task) return work(client, request);
  const stated = taskWithAttributes(task, client, read.attributes, Date.now());
  if ('problem' in stated) throw invalid(stated.problem.message);
  return work(client, { ...rest, task: stated.message } as Request);
}

const invalid = (message: string): TasksError => new TasksError(wire.FailureCode.INVALID_TASK, message);

function read<Schema extends DescMessage>(schema: Schema, { data }: Incoming): MessageShape<Schema> {
  try {
    return readMessage(schema, data);
  } catch {
    return create(schema);
  }
}

const strayFailure = ({ code, message }: Stray): wire.Failure => create(wire.FailureSchema, { code, message });

const failureOf = (error: unknown): wire.Failure =>
  create(wire.FailureSchema, {
    code: error instanceof TasksError ? error.code : wire.FailureCode.UNAVAILABLE,
    message:
      error instanceof TasksError || error instanceof BusError
        ? error.message
        : 'the store of tasks or NATS is not connected',
    retryable: isRetryable(error),
    retryAfterMs: isRetryable(error) ? 1_000 : 0,
  });

const isRetryable = (error: unknown): boolean => !(error instanceof TasksError) || error.isRetryable;
