import type { DurableTask, TaskRequest, TaskSubmission } from '@will/client';
import { isOpaqueId } from '@will/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { readFacts } from '../../openai/chat/facts.ts';
import { invalid, toHttpError } from '../../../server/http/errors.ts';
import { readJsonBody } from '../../../server/http/read-body.ts';
import { shownError, shownResult } from '../../../server/json/json-answer.ts';
import { checkTask, submissionSchema } from '../../../server/json/json-task.ts';
import { PacedWriter } from '../../../server/http/paced-writer.ts';
import type { UnderWay } from '../../../admission/under-way.ts';
import { notReady, type TaskOptions } from '../../../canonical/text/answer-text.ts';

const states = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'expired'] as const;
const maxWaitMs = 25_000;
const querySchema = z.strictObject({
  state: z.enum(states).optional(),
  limit: z.coerce.number().int().min(1).max(200).optional(),
  dead: z.enum(['true', 'false']).optional(),
  wait_ms: z.coerce.number().int().min(0).max(maxWaitMs).optional(),
});

/** `/v1/tasks`: durable tasks, in Will's own JSON. */
export function tasksRoutes(options: TaskOptions) {
  const { backends, underWay } = options;
  const client = () => {
    if (!backends.client) throw notReady(backends);
    return backends.client;
  };
  return {
    async submit(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const stated = readFacts(request);
      const submission = readSubmission(await readJsonBody(request, response, options), request, stated);
      const task = await client().submit(submission);
      send(response, task.isRepeated ? 200 : 202, shownTask(task));
    },
    async list(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const { client: name } = readFacts(request);
      const { state, limit, dead } = query(request);
      const filter = { ...(state && { state }), ...(limit && { limit }), dead: dead === 'true' };
      const tasks = await client().tasks({ client: name, ...filter });
      send(response, 200, { object: 'list', data: tasks.map(shownTask) });
    },
    async get(request: IncomingMessage, response: ServerResponse, taskId: string): Promise<void> {
      const { client: name } = readFacts(request);
      const { wait_ms: waitMs = 0 } = query(request);
      const left = whenClosed(response);
      const task = await underWay.run(left, () => client().task(checked(taskId), { client: name, waitMs }));
      send(response, 200, shownTask(task));
    },
    /** The first answer may still be an error; from then on the stream goes on to the task's end. */
    async events(request: IncomingMessage, response: ServerResponse, taskId: string): Promise<void> {
      const { client: name } = readFacts(request);
      query(request);
      const look = (waitMs: number): Promise<DurableTask> => client().task(checked(taskId), { client: name, waitMs });
      await sendEvents(response, await look(0), () => look(pollIntervalMs), underWay);
    },
    async requeue(request: IncomingMessage, response: ServerResponse, taskId: string): Promise<void> {
      const { client: name } = readFacts(request);
      send(response, 200, shownTask(await client().requeueTask(checked(taskId), { client: name })));
    },
    async cancel(request: IncomingMessage, response: ServerResponse, taskId: string): Promise<void> {
      const { client: name } = readFacts(request);
      send(response, 200, shownTask(await client().cancelTask(checked(taskId), { client: name })));
    },
  };
}

/** What cannot be an id is none that there is: the same answer as to one that never was. */
const checked = (taskId: string): string => (isOpaqueId(taskId) ? taskId : 'no-such-id');

function readSubmission(
  bytes: Buffer,
  { headers }: IncomingMessage,
  stated: ReturnType<typeof readFacts>,
): TaskSubmission {
  const { task, body } = checkTask(submissionSchema, bytes, stated);
  const header = headers['idempotency-key'];
  return submissionOf(task, body, typeof header === 'string' ? header : undefined);
}

/** A durable task from its JSON. @param inHeader the idempotency key, where the body says none. */
export function submissionOf(
  task: TaskRequest,
  body: Pick<z.infer<typeof submissionSchema>, 'idempotency_key' | 'not_before' | 'defer'>,
  inHeader?: string,
): TaskSubmission {
  const key = body.idempotency_key ?? inHeader;
  return {
    ...task,
    ...(key !== undefined && { idempotencyKey: key }),
    ...(body.not_before !== undefined && { notBeforeUnixMs: Date.parse(body.not_before) }),
    ...(body.defer !== undefined && { defer: body.defer }),
  };
}

/** Also the beat of comments that keep the connection open; an end is told at once. */
const pollIntervalMs = 1_000;

/** A reader that reconnects is told the present state first, so no event has to be kept for it. */
async function sendEvents(
  response: ServerResponse,
  first: DurableTask,
  next: () => Promise<DurableTask>,
  underWay: UnderWay,
): Promise<void> {
  response.writeHead(200, [
    'content-type',
    'text/event-stream; charset=utf-8',
    'cache-control',
    'no-cache, no-transform',
    'x-accel-buffering',
    'no',
  ]);
  const writer = new PacedWriter(
    response,
    (why) => `event: error\ndata: ${JSON.stringify({ error: { code: 'reader_too_slow', message: why } })}\n\n`,
  );
  try {
    await underWay.run(whenClosed(response), (signal) => tellChanges(writer, first, next, signal));
  } catch (thrown) {
    writer.end(`event: error\ndata: ${JSON.stringify(shownError(toHttpError(thrown)))}\n\n`);
  }
}

async function tellChanges(
  writer: PacedWriter,
  first: DurableTask,
  next: () => Promise<DurableTask>,
  signal: AbortSignal,
): Promise<void> {
  const changeOf = ({ state, pickups }: DurableTask): string => `${state} ${pickups}`;
  let told = '';
  for (let task = first; !signal.aborted; task = await stillThere(next, task)) {
    const change = changeOf(task);
    const event = `event: ${task.state}\ndata: ${JSON.stringify(shownTask(task))}\n\n`;
    if (task.finishedUnixMs !== undefined) return writer.end(event);
    writer.write(change === told ? ': waiting\n\n' : event);
    told = change;
  }
  signal.throwIfAborted();
}

function whenClosed(response: ServerResponse): AbortController {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  return closed;
}

/** While nobody answers for durable tasks the last state stands. */
async function stillThere(next: () => Promise<DurableTask>, last: DurableTask): Promise<DurableTask> {
  try {
    return await next();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    return last;
  }
}

function query({ url = '' }: IncomingMessage): z.infer<typeof querySchema> {
  const stated = Object.fromEntries(new URL(url, 'http://server').searchParams);
  const read = querySchema.safeParse(stated);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw invalid(
    `query ${String(issue?.path[0] ?? 'parameters')}: ${issue?.message ?? 'wrong'}`,
    String(issue?.path[0] ?? ''),
  );
}

/** A durable task as the HTTP API shows it. */
export function shownTask({ result, failure, ...task }: DurableTask): object {
  const at = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    object: 'task',
    task_id: task.taskId,
    client: task.client,
    ...(task.project !== undefined && { project: task.project }),
    type: task.type,
    priority: task.priority,
    state: task.state,
    created: at(task.createdUnixMs),
    deadline: at(task.deadlineUnixMs),
    starts_at: at(task.startsUnixMs),
    ...(task.waitsFor !== undefined && { waits_for: task.waitsFor }),
    finished: at(task.finishedUnixMs),
    pickups: task.pickups,
    idempotency_key: task.idempotencyKey,
    ...(task.deadReason !== undefined && { dead_reason: task.deadReason }),
    ...(result && { result: shownResult(result) }),
    ...(failure && shownError(toHttpError(failure))),
  };
}

function send(response: ServerResponse, status: number, value: object): void {
  const body = Buffer.from(JSON.stringify(value));
  const headers = ['content-type', 'application/json; charset=utf-8', 'content-length', String(body.length)];
  response.writeHead(status, headers);
  response.end(body);
}
