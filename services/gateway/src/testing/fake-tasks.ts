import {
  type Question,
  type StreamPart,
  type TaskClient,
  TaskError,
  type TaskErrorCode,
  type TaskRequest,
  type TaskResult,
} from '@will/client';
import type { wire } from '@will/contracts';
import { decide } from '@will/core';
import { factsFor, snapshotOf } from '@will/testkit';

/** What a fake does with a task: parts through `onPart`, then a result or a throw. */
export type Script = (
  request: TaskRequest,
  stream: boolean,
  onPart: (part: StreamPart) => void,
) => TaskResult | Promise<TaskResult>;

export interface FakeTasks extends TaskClient {
  /** Everything that was asked, in order. */
  readonly requests: TaskRequest[];
  readonly queries: Question[];
  script: Script;
}

const notFaked = async (): Promise<never> => {
  throw new Error('not faked');
};

/** A client without a bus. */
export function fakeTasks(script: Script = answers('pong')): FakeTasks {
  const requests: TaskRequest[] = [];
  const fake: FakeTasks = {
    requests,
    queries: [],
    script,
    async start(request, stream, onPart) {
      requests.push(request);
      return await fake.script(request, stream, onPart);
    },
    run: (request) => fake.start(request, false, () => {}),
    // oxlint-disable-next-line require-yield -- the gateway does not use this form.
    async *stream() {
      throw new Error('not faked');
    },
    async explain(question) {
      fake.queries.push(question);
      return { set: decide(snapshotOf([]), factsFor({ taskType: question.type }), 0), wouldChange: [] };
    },
    submit: notFaked,
    task: notFaked,
    result: notFaked,
    cancelTask: notFaked,
    // oxlint-disable-next-line require-yield -- the gateway does not use this form.
    async *events() {
      throw new Error('not faked');
    },
    requeueTask: notFaked,
    tasks: notFaked,
    async close() {},
  };
  return fake;
}

export const usage = (inputTokens: number, outputTokens: number): wire.Usage => ({
  $typeName: 'will.v1.Usage',
  inputTokens,
  outputTokens,
  cachedInputTokens: 1,
  reasoningTokens: 2,
  cacheWriteTokens: 0,
  audioInputTokens: 0,
  audioOutputTokens: 0,
  cacheWrite1hTokens: 0,
  imageInputTokens: 0,
  imageOutputTokens: 0,
  images: 0,
  estimated: false,
});

export const attempt = (number: number, model: string, status: string, reason = ''): wire.AttemptSummary => ({
  $typeName: 'will.v1.AttemptSummary',
  number,
  attemptId: `attempt-${number}`,
  model,
  outcome: status === 'Success' ? 'Success' : 'Blocked',
  status,
  reason,
  durationMs: 12,
  style: '',
  cause: '',
  httpStatus: 0,
  vendorCode: '',
  param: '',
});

export const exclusion = (model: string, rule: string): wire.Exclusion => ({
  $typeName: 'will.v1.Exclusion',
  model,
  rule,
  detail: `${rule} says no`,
});

export const result = (request: TaskRequest, rest: Partial<TaskResult> = {}): TaskResult => ({
  taskId: request.taskId ?? '',
  outcome: 'Success',
  model: 'llama',
  modelName: 'LLaMA',
  output: '',
  reasoning: '',
  toolCalls: '',
  finish: 'stop',
  usage: usage(7, 3),
  costNanoUsd: undefined,
  attempts: [attempt(1, 'gpt-4', 'AuthError', 'no key'), attempt(2, 'llama', 'Success')],
  decisionId: 'decision-1',
  ...rest,
});

export const started: StreamPart = { kind: 'started', model: 'llama', modelName: 'LLaMA', decisionId: 'decision-1' };
export const delta = (
  text: string,
  rest: { refusal?: string; reasoning?: string; toolCalls?: string } = {},
): StreamPart => ({
  kind: 'delta',
  delta: { text, reasoning: '', toolCalls: '', ...rest },
});

/** Answers every task with these pieces, one per turn of the event loop where it streams. */
export const answers =
  (...pieces: string[]): Script =>
  async (request, stream, onPart) => {
    if (!stream) return result(request, { output: pieces.join('') });
    onPart(started);
    for (const piece of pieces) {
      onPart(delta(piece));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return result(request, { output: pieces.join('') });
  };

/** Fails every task in one way. */
export const fails =
  (code: TaskErrorCode, message: string, details: Partial<ConstructorParameters<typeof TaskError>[2]> = {}): Script =>
  (request) => {
    throw new TaskError(code, message, { taskId: request.taskId ?? '', ...details });
  };

/** Never ends by itself; ends as cancelled when the caller goes. `begun` and `cancelled` tell when. */
export function hangs(first: readonly StreamPart[] = []): Script & { begun: Promise<void>; cancelled: Promise<void> } {
  const begun = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const script: Script = (request, _stream, onPart) =>
    new Promise((_resolve, reject) => {
      for (const part of first) onPart(part);
      request.signal?.addEventListener('abort', () => {
        cancelled.resolve();
        reject(new TaskError('cancelled', 'the caller cancelled the task', { taskId: request.taskId ?? '' }));
      });
      begun.resolve();
    });
  return Object.assign(script, { begun: begun.promise, cancelled: cancelled.promise });
}

/** Every way a task can end badly once content has come. */
export const midStreamFaults: readonly TaskErrorCode[] = [
  'worker_lost',
  'router_lost',
  'truncated',
  'deadline',
  'all_failed',
  'unavailable',
  'overloaded',
  'cancelled',
  'internal',
];

/** Half an answer, then a failure. */
export const breaksAfter =
  (text: string, code: TaskErrorCode, message: string): Script =>
  (request, stream, onPart) => {
    onPart(started);
    onPart(delta(text));
    return fails(code, message, { isRetryable: true, decisionId: 'decision-9' })(request, stream, onPart);
  };

export const toolCalls = (name: string, given: object): string =>
  JSON.stringify([{ id: 'c1', type: 'function', function: { name, arguments: JSON.stringify(given) } }]);

/** One tool call, streamed in pieces as vendors do. */
export const callsTool =
  (name: string, given: object): Script =>
  (request, stream, onPart) => {
    const whole = toolCalls(name, given);
    if (stream) {
      const text = JSON.stringify(given);
      onPart(started);
      const piece = (fields: object): StreamPart => delta('', { toolCalls: JSON.stringify([{ index: 0, ...fields }]) });
      onPart(piece({ id: 'c1', type: 'function', function: { name, arguments: '' } }));
      onPart(piece({ function: { arguments: text.slice(0, 3) } }));
      onPart(piece({ function: { arguments: text.slice(3) } }));
    }
    return result(request, { toolCalls: whole, finish: 'tool_calls' });
  };

/** The chat that a model would have got. */
export const chatOf = (
  request: TaskRequest | undefined,
): { messages: Record<string, unknown>[] } & Record<string, unknown> =>
  JSON.parse(Buffer.from(request?.input as Uint8Array).toString());
