import { contained } from '@will/runtime';
import type { Bus, Incoming } from '@will/bus';
import type { StreamPart } from '@will/client';
import {
  clientOfJsonSubject,
  isInboxOf,
  type JsonOperation,
  mustBeSame,
  patterns,
  queues,
  sizes,
} from '@will/contracts';
import { attributesIn, factsOf } from '../../api/openai/chat/facts.ts';
import { HttpError, invalid, toHttpError } from '../http/errors.ts';
import { notReady, overloaded, type TaskOptions } from '../../canonical/text/answer-text.ts';
import { shownError, shownExplanation, shownPart, shownResult } from './json-answer.ts';
import { type FactsBeside, readJsonQuestion, readJsonTask } from './json-task.ts';

/**
 * Tasks in JSON on the bus, for callers without protobuf: `will.v1.json.<run|stream|explain>.<client>` with a reply
 * inbox below `_INBOX.<client>`, and `will.v1.json.cancel.<client>`. Stopping takes nothing new and waits
 * for what runs, at most `drainMs`; what runs then still is ended as unavailable.
 */
export function serveJson(bus: Bus, options: TaskOptions): { stop(drainMs: number): Promise<void> } {
  const running = new Map<string, AbortController>();
  const serve = (operation: JsonOperation, take: (client: string, message: Incoming) => Promise<void>) =>
    bus.serve(patterns.json(operation), queues.json, async (message) => {
      const client = clientOfJsonSubject(message.subject);
      // Without this check a caller could have answers written to any subject that this server may publish to.
      if (client === undefined || !isInboxOf(client, message.reply)) {
        options.onError(
          'a task in JSON',
          new Error(`subject ${message.subject.slice(0, 100)} with a reply that is no inbox of its client`),
        );
        return undefined;
      }
      await take(client, message);
      return undefined;
    });
  const servings = [
    serve('run', (client, message) => answer(bus, options, running, client, message, false)),
    serve('stream', (client, message) => answer(bus, options, running, client, message, true)),
    serve('explain', (client, message) => explain(bus, options, client, message)),
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
  running: Map<string, AbortController>,
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

async function explain(bus: Bus, options: TaskOptions, client: string, message: Incoming): Promise<void> {
  try {
    const asked = options.backends.client;
    if (!asked) throw notReady(options.backends);
    reply(
      bus,
      message,
      shownExplanation(await asked.explain(readJsonQuestion(Buffer.from(message.data), factsBeside(client, message)))),
    );
  } catch (thrown) {
    reply(bus, message, failed(thrown, options));
  }
}

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
