import {
  TaskError,
  type StreamPart,
  type TaskClient,
  type TaskErrorCode,
  type TaskRequest,
  type TaskResult,
} from '@will/client';
import type { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { requestOf, outcomeOfFailure, runTask } from './run.ts';

const attempt = (number: number, model: string, status: string, outcome = 'Blocked'): wire.AttemptSummary => ({
  $typeName: 'will.v1.AttemptSummary',
  number,
  attemptId: `a${number}`,
  model,
  outcome: status === 'Success' ? 'Success' : outcome,
  status,
  reason: status === 'Success' ? '' : 'the key is missing',
  durationMs: 3,
  style: '',
  cause: '',
  httpStatus: 0,
  vendorCode: '',
  param: '',
});

const success: TaskResult = {
  taskId: 'task-1',
  outcome: 'Success',
  model: 'llama',
  modelName: 'LLaMA',
  output: 'pong',
  reasoning: '',
  toolCalls: '',
  finish: 'stop',
  usage: {
    $typeName: 'will.v1.Usage',
    inputTokens: 7,
    outputTokens: 3,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    cacheWriteTokens: 0,
    audioInputTokens: 0,
    audioOutputTokens: 0,
    cacheWrite1hTokens: 0,
    imageInputTokens: 0,
    imageOutputTokens: 0,
    images: 0,
    estimated: false,
  },
  costNanoUsd: 1_500n,
  attempts: [attempt(1, 'gpt-4', 'AuthError'), attempt(2, 'llama', 'Success')],
  decisionId: 'decision-1',
};
const delta = (text: string): StreamPart => ({ kind: 'delta', delta: { text, reasoning: '', toolCalls: '' } });
const request: TaskRequest = { type: 'text_gen', input: 'ping', taskId: 'task-1' };

const notFaked = async (): Promise<never> => {
  throw new Error('not faked');
};

/** A client whose only way is `start`. */
const tasks = (start: TaskClient['start']): TaskClient => ({
  start,
  run: (asked) => start(asked, false, () => {}),
  // oxlint-disable-next-line require-yield -- the command line does not use this form.
  async *stream() {
    throw new Error('not faked');
  },
  async explain() {
    throw new Error('not faked');
  },
  submit: notFaked,
  task: notFaked,
  result: notFaked,
  cancelTask: notFaked,
  // oxlint-disable-next-line require-yield -- not used.
  async *events() {
    throw new Error('not faked');
  },
  requeueTask: notFaked,
  tasks: notFaked,
  async close() {},
});
const answering = (...pieces: string[]): TaskClient =>
  tasks(async (_request, stream, onPart) => {
    if (stream) for (const piece of pieces) onPart(delta(piece));
    return success;
  });
const failing = (error: TaskError, ...pieces: string[]): TaskClient =>
  tasks(async (_request, _stream, onPart) => {
    for (const piece of pieces) onPart(delta(piece));
    throw error;
  });

test('an answer is on stdout, what made it in one line on stderr', async () => {
  const terminal = fakeTerminal();
  expect(await runTask(answering(), terminal, request, {})).toBe(0);
  expect(terminal.stdout()).toBe('pong\n');
  expect(terminal.stderr()).toMatch(
    /^LLaMA · 7\+3 tokens · \$0\.000002 · \d+ ms · after gpt-4 AuthError · decision decision-1\n$/,
  );
});

test('the model that answered after it had no free slot is not told as not served', async () => {
  const terminal = fakeTerminal();
  const attempts = [{ ...attempt(1, 'llama', 'Busy'), attemptId: '' }, attempt(2, 'llama', 'Success')];
  await runTask(
    tasks(async () => ({ ...success, model: 'llama', attempts })),
    terminal,
    request,
    {},
  );
  expect(terminal.stderr()).toMatch(/ ms · decision decision-1\n$/);
});

test('a model that was never called is told apart from one that failed', async () => {
  const terminal = fakeTerminal();
  const attempts = [{ ...attempt(1, 'gpt-4', 'NoWorker'), attemptId: '' }, attempt(2, 'llama', 'Success')];
  await runTask(
    tasks(async () => ({ ...success, attempts })),
    terminal,
    request,
    {},
  );
  expect(terminal.stderr()).toMatch(/ms · not served: gpt-4 · decision/);
});

test('a stream is printed as it comes and not twice', async () => {
  const terminal = fakeTerminal();
  expect(await runTask(answering('po', 'ng'), terminal, request, { stream: true })).toBe(0);
  expect(terminal.stdout()).toBe('pong\n');
});

test('--json is one line with everything a program needs', async () => {
  const terminal = fakeTerminal();
  await runTask(answering('po', 'ng'), terminal, request, { stream: true, json: true });
  expect(terminal.stdout()).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(terminal.stdout())).toEqual({
    taskId: 'task-1',
    outcome: 'Success',
    model: 'llama',
    modelName: 'LLaMA',
    output: 'pong',
    finish: 'stop',
    attempts: [
      {
        number: 1,
        attemptId: 'a1',
        model: 'gpt-4',
        outcome: 'Blocked',
        status: 'AuthError',
        reason: 'the key is missing',
        durationMs: 3,
        style: '',
        cause: '',
        httpStatus: 0,
        vendorCode: '',
        param: '',
      },
      {
        number: 2,
        attemptId: 'a2',
        model: 'llama',
        outcome: 'Success',
        status: 'Success',
        reason: '',
        durationMs: 3,
        style: '',
        cause: '',
        httpStatus: 0,
        vendorCode: '',
        param: '',
      },
    ],
    usage: {
      inputTokens: 7,
      outputTokens: 3,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      cacheWriteTokens: 0,
      audioInputTokens: 0,
      audioOutputTokens: 0,
      cacheWrite1hTokens: 0,
      imageInputTokens: 0,
      imageOutputTokens: 0,
      images: 0,
      estimated: false,
    },
    costNanoUsd: 1_500,
    decisionId: 'decision-1',
    durationMs: expect.any(Number) as number,
    firstContentMs: expect.any(Number) as number,
  });
  expect(terminal.stderr()).toBe('');
});

const blocked = new TaskError('blocked', 'no model may do it', {
  taskId: 'task-1',
  decisionId: 'decision-2',
  attempts: [attempt(1, 'gpt-4', 'AuthError')],
  exclusions: [{ $typeName: 'will.v1.Exclusion', model: 'gemini', rule: 'avoid_cloud', detail: 'call method API' }],
});

test('a failure is exit 1, and says every attempt and exclusion', async () => {
  const terminal = fakeTerminal();
  expect(await runTask(failing(blocked), terminal, request, {})).toBe(1);
  expect(terminal.stdout()).toBe('');
  expect(terminal.stderr()).toBe(
    'willm: blocked: no model may do it\n  attempt 1: gpt-4 AuthError, the key is missing\n' +
      '  not gemini: avoid_cloud, call method API\n  decision decision-2\n',
  );
});

test('a failure as JSON has the same fields, the error, and the exclusions', async () => {
  const terminal = fakeTerminal();
  expect(await runTask(failing(blocked, 'half'), terminal, request, { stream: true, json: true })).toBe(1);
  expect(JSON.parse(terminal.stdout())).toMatchObject({
    taskId: 'task-1',
    outcome: 'Blocked',
    model: '',
    output: 'half',
    usage: null,
    decisionId: 'decision-2',
    attempts: [{ model: 'gpt-4', status: 'AuthError' }],
    error: { code: 'blocked', message: 'no model may do it', retryable: false },
    exclusions: [{ model: 'gemini', rule: 'avoid_cloud' }],
  });
});

test('a stream that breaks leaves its text and a message on a line of its own', async () => {
  const terminal = fakeTerminal();
  const lost = new TaskError('worker_lost', 'the worker died', { taskId: 'task-1' });
  expect(await runTask(failing(lost, 'half'), terminal, request, { stream: true })).toBe(1);
  expect(terminal.stdout()).toBe('half\n');
  expect(terminal.stderr()).toBe('willm: worker_lost: the worker died\n');
});

test('Ctrl-C cancels the task', async () => {
  const terminal = fakeTerminal();
  const waiting = tasks(
    (asked) =>
      new Promise((_resolve, reject) => {
        asked.signal?.addEventListener('abort', () =>
          reject(new TaskError('cancelled', 'the caller cancelled the task', { taskId: 'task-1' })),
        );
        terminal.interrupt();
      }),
  );
  expect(await runTask(waiting, terminal, request, { json: true })).toBe(130);
  expect(JSON.parse(terminal.stdout())).toMatchObject({ outcome: 'Blocked', error: { code: 'cancelled' } });
});

test("a model's text cannot steer the terminal, and goes to a file as it is", async () => {
  const evil = '\u001b]52;c;x\u0007';
  const onScreen = fakeTerminal({ isInteractive: true });
  await runTask(answering(evil), onScreen, request, { stream: true });
  expect(onScreen.stdout()).toBe(']52;c;x\n');
  const toFile = fakeTerminal();
  await runTask(answering(evil), toFile, request, { stream: true });
  expect(toFile.stdout()).toBe(`${evil}\n`);
});

test.each([
  ['deadline', [], 'Timeout'],
  ['worker_lost', [], 'Timeout'],
  ['blocked', [], 'Blocked'],
  ['no_worker', [], 'Blocked'],
  ['all_failed', [attempt(1, 'a', 'Stalled', 'Timeout')], 'Timeout'],
  ['all_failed', [attempt(1, 'a', 'AuthError')], 'Blocked'],
] as const)(
  'a task that ended as %s counts as what the specification calls it',
  (code: TaskErrorCode, attempts, outcome) => {
    expect(outcomeOfFailure({ code, attempts })).toBe(outcome);
  },
);

test('timeouts that options state are the task’s', () => {
  const options = { timeoutMs: 9_000, firstTokenTimeoutMs: 1_500, idleTimeoutMs: 2_500 };
  expect(requestOf('text_gen', 'x', options)).toMatchObject(options);
});
