import { contained } from '@will/runtime';
import type { Bus, Incoming } from '@will/bus';
import { type StreamPart, taskErrorOf } from '@will/client';
import {
  clientOfJsonSubject,
  create,
  isInbox,
  isInboxOf,
  type JsonOperation,
  mustBeSame,
  patterns,
  queues,
  sizes,
  type Stray,
  strayOf,
  wire,
} from '@will/contracts';
import { slugPattern, TransientMap } from '@will/core';
import { attributesIn, factsOf } from '../../api/openai/chat/facts.ts';
import { HttpError, invalid, toHttpError } from '../http/errors.ts';
import { notReady, overloaded, type TaskOptions } from '../../canonical/text/answer-text.ts';
import { shownError, shownExplanation, shownPart, shownResult } from './json-answer.ts';
import { submissionOf, shownTask } from '../../api/will/tasks/tasks.ts';
import {
  checkTask,
  type FactsBeside,
  readJsonQuestion,
  readJsonReference,
  readJsonTask,
  submissionSchema,
} from './json-task.ts';

/**
 * Tasks in JSON on the bus, for callers without protobuf: `will.v1.json.<run|stream|explain|submit|get>.<client>` with a reply
 * inbox below `_INBOX.<client>`, and `will.v1.json.cancel.<client>`. Stopping takes nothing new and waits
 * for what runs, at most `drainMs`; what runs then still is ended as unavailable.
 */
export function serveJson(
  bus: Bus,
  options: TaskOptions,
  onStray: (subject: string, stray: Stray) => void,
): { stop(drainMs: number): Promise<void> } {
  const running = new TransientMap<AbortController>();
  const serve = (operation: JsonOperation, take: (client: string, message: Incoming) => Promise<void>) =>
    bus.serve(patterns.json(operation), queues.json, async (message) => {
      const client = clientOfJsonSubject(message.subject);
      // Without this check a caller could have answers written to any subject that this server may publish to.
      if (client === undefined || !isInboxOf(client, message.reply)) {
        const stray = strayOf(message.subject, message.reply, isNoClientsInbox);
        onStray(message.subject, stray);
        return stray.reply === undefined ? undefined : encoder.encode(JSON.stringify(shownStray(stray)));
      }
      await take(client, message);
      return undefined;
    });
  const servings = [
    serve('run', (client, message) => answer(bus, options, running, client, message, false)),
    serve('stream', (client, message) => answer(bus, options, running, client, message, true)),
    serve('explain', (client, message) => explain(bus, options, client, message)),
    serve('submit', (client, message) =>
      tell(bus, options, message, async (tasks) => {
        const { task, body } = checkTask(submissionSchema, Buffer.from(message.data), factsBeside(client, message));
        return shownTask(await tasks.submit(submissionOf(task, body)));
      }),
    ),
    serve('get', (client, message) =>
      tell(bus, options, message, async (tasks) => {
        const { task_id: taskId, wait_ms: waitMs } = readJsonReference(Buffer.from(message.data));
        const owner = factsBeside(client, message);
        return shownTask(await tasks.task(taskId, { client: owner.client, waitMs }));
      }),
    ),
  ];
  // Every server hears it: the one that runs the task is not known.
  const cancels = bus.listen(patterns.json('cancel'), ({ subject, data }) => {
    const taskId = taskIdIn(data);
    if (taskId !== undefined) running.get(`${clientOfJsonSubject(subject)}.${taskId}`)?.abort();
  });
  return {
    async stop(drainMs) {
      const timer = setTimeout(
        contained(() => options.underWay.endAll()),
        drainMs,
      );
      await Promise.all(servings.map((serving) => serving.stop()));
      clearTimeout(timer);
      cancels.unsubscribe();
    },
  };
}

async function answer(
  bus: Bus,
  options: TaskOptions,
  running: TransientMap<AbortController>,
  client: string,
  message: Incoming,
  isStreamed: boolean,
): Promise<void> {
  const { backends, admission, underWay } = options;
  const say = (value: object): void => reply(bus, message, value);
  const cancelled = new AbortController();
  let key: string | undefined;
  const isIn = admission.enter(client);
  try {
    if (!isIn) throw overloaded(admission, client);
    if (!backends.client) throw notReady(backends);
    const task = readJsonTask(Buffer.from(message.data), factsBeside(client, message));
    key = `${client}.${task.taskId}`;
    running.set(key, cancelled);
    const onPart = (part: StreamPart): void => {
      if (isStreamed && part.kind !== 'end') say(shownPart(part));
    };
    const { client: tasks } = backends;
    const result = await underWay.run(cancelled, (signal) => tasks.start({ ...task, signal }, isStreamed, onPart));
    say(isStreamed ? shownPart({ kind: 'end', result }) : shownResult(result));
  } catch (thrown) {
    say({ ...(isStreamed && { kind: 'error' }), ...failed(thrown, options) });
  } finally {
    if (key !== undefined) running.delete(key);
    if (isIn) admission.leave(client);
  }
}

const explain = (bus: Bus, options: TaskOptions, client: string, message: Incoming): Promise<void> =>
  tell(bus, options, message, async (tasks) =>
    shownExplanation(await tasks.explain(readJsonQuestion(Buffer.from(message.data), factsBeside(client, message)))),
  );

/** Answers once, with what was asked or with the error. */
async function tell(
  bus: Bus,
  options: TaskOptions,
  message: Incoming,
  work: (tasks: NonNullable<TaskOptions['backends']['client']>) => Promise<object>,
): Promise<void> {
  try {
    const { client } = options.backends;
    if (!client) throw notReady(options.backends);
    reply(bus, message, await work(client));
  } catch (thrown) {
    reply(bus, message, failed(thrown, options));
  }
}

/** An inbox whose scope can be no client's, as libraries make them: nobody else's answers go there. */
const isNoClientsInbox = (reply: string | undefined): reply is string =>
  isInbox(reply) && !slugPattern.test(reply.split('.')[1] ?? '');

const shownStray = ({ code, message }: Stray): object =>
  shownError(toHttpError(taskErrorOf(create(wire.FailureSchema, { code, message }), '')));

/** The subject's client, and what headers of the message say. @throws {HttpError} 400 */
function factsBeside(client: string, { headers = [] }: Incoming): FactsBeside {
  const { client: named, ...attributes } = attributesIn(
    headers.map(([key, value]) => ({ source: 'header', key, value })),
  );
  const problem = mustBeSame('client', client, named);
  if (problem) throw invalid(problem.message, problem.at);
  return { ...factsOf(attributes), client };
}

function failed(thrown: unknown, { onError }: TaskOptions): object {
  const error = toHttpError(thrown);
  if (error.status === 500) onError('a task in JSON', error.cause ?? error);
  return shownError(error);
}

const encoder = new TextEncoder();

function reply(bus: Bus, { reply: inbox }: Incoming, value: object): void {
  if (!bus.isConnected) return;
  const bytes = encoder.encode(JSON.stringify(value));
  const fits = bytes.length <= sizes.messageBytes;
  bus.publish(inbox, fits ? bytes : encoder.encode(JSON.stringify(shownError(tooLarge(bytes.length)))));
}

const tooLarge = (bytes: number): HttpError =>
  new HttpError(413, 'too_large', `an answer of ${bytes} bytes exceeds ${sizes.messageBytes}; stream it`);

function taskIdIn(data: Uint8Array): string | undefined {
  try {
    const { task_id: taskId } = JSON.parse(Buffer.from(data).toString()) as { task_id?: unknown };
    return typeof taskId === 'string' ? taskId : undefined;
  } catch {
    return undefined;
  }
}
