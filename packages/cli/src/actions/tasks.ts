import { connectClient, type DurableTask, type TaskClient, TaskError } from '@will/client';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { duration, localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
import { failureAsJson, requestOf, resultAsJson, type RunOptions, showFailure, showResult } from './run.ts';

export interface SubmitOptions extends Omit<RunOptions, 'stream'> {
  /** Epoch milliseconds. */
  readonly notBefore?: number;
  readonly defer?: string;
  readonly key?: string;
  readonly wait?: boolean;
}
export interface TasksOptions {
  readonly client?: string;
  readonly json?: boolean;
}
export interface ListOptions extends TasksOptions {
  readonly state?: DurableTask['state'];
  readonly limit?: number;
  readonly dead?: boolean;
}

const told = { text: '', firstContentMs: undefined };

const withTasks = <T>(terminal: Terminal, client: string, use: (tasks: TaskClient) => Promise<T>): Promise<T> =>
  withBus(
    terminal,
    async (bus) => {
      const tasks = await connectClient({ bus, client });
      try {
        return await use(tasks);
      } catch (error) {
        if (!(error instanceof TaskError)) throw error;
        throw new CliError(exitCodes.failed, `${error.code}: ${error.message}`);
      } finally {
        await tasks.close();
      }
    },
    client,
  );

/** `willm submit`: a durable task; with `--wait` its result as well. */
export async function submit(
  terminal: Terminal,
  type: string,
  text: string,
  options: SubmitOptions,
): Promise<ExitCode> {
  const input = text === '-' ? await terminal.readInput() : text;
  if (input.trim() === '')
    throw new CliError(exitCodes.usage, 'the text is empty; give some, or "-" to read it from stdin');
  return withTasks(terminal, options.client ?? 'default', async (tasks) => {
    const task = await tasks.submit({
      ...requestOf(type, input, options),
      ...(options.notBefore !== undefined && { notBeforeUnixMs: options.notBefore }),
      ...(options.defer !== undefined && { defer: options.defer }),
      ...(options.key !== undefined && { idempotencyKey: options.key }),
    });
    if (options.wait) return await showEnd(terminal, tasks, task.taskId, options);
    if (options.json) printJson(terminal, asJson(task));
    else terminal.out(`${task.taskId}\n`);
    return exitCodes.success;
  });
}

/** `willm tasks wait`: the result of a durable task, when it is there. */
export const wait = (terminal: Terminal, taskId: string, options: TasksOptions): Promise<ExitCode> =>
  withTasks(terminal, options.client ?? 'default', (tasks) => showEnd(terminal, tasks, taskId, options));

async function showEnd(
  terminal: Terminal,
  tasks: TaskClient,
  taskId: string,
  options: TasksOptions,
): Promise<ExitCode> {
  const abort = new AbortController();
  const stopListening = terminal.onInterrupt(() => abort.abort());
  try {
    for await (const { state, pickups, finishedUnixMs } of tasks.events(taskId, { signal: abort.signal }))
      if (!options.json && finishedUnixMs === undefined) terminal.err(`${progress(state, pickups)}\n`);
    const result = await tasks.result(taskId, { signal: abort.signal });
    const task = await tasks.task(taskId);
    const durationMs = (task.finishedUnixMs ?? task.createdUnixMs) - task.createdUnixMs;
    if (options.json) printJson(terminal, resultAsJson(result, durationMs, told));
    else showResult(terminal, result, durationMs, told);
    return exitCodes.success;
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    if (options.json) printJson(terminal, failureAsJson(error, 0, told));
    else showFailure(terminal, error, told);
    return abort.signal.aborted ? exitCodes.interrupted : exitCodes.failed;
  } finally {
    stopListening();
  }
}

/** What is told while it has not ended. */
const progress = (state: DurableTask['state'], pickups: number): string =>
  pickups < 2 ? state : `${state}, picked up ${pickups} times`;

/** `willm tasks get`: one durable task as it is. */
export const get = (terminal: Terminal, taskId: string, options: TasksOptions): Promise<ExitCode> =>
  withTasks(terminal, options.client ?? 'default', async (tasks) => show(terminal, await tasks.task(taskId), options));

/** `willm tasks cancel`: ends a durable task that has not ended. */
export const cancel = (terminal: Terminal, taskId: string, options: TasksOptions): Promise<ExitCode> =>
  withTasks(terminal, options.client ?? 'default', async (tasks) =>
    show(terminal, await tasks.cancelTask(taskId), options),
  );

/** `willm tasks requeue`: has a dead letter run anew. */
export const requeue = (terminal: Terminal, taskId: string, options: TasksOptions): Promise<ExitCode> =>
  withTasks(terminal, options.client ?? 'default', async (tasks) =>
    show(terminal, await tasks.requeueTask(taskId, options), options),
  );

/** `willm tasks ls`: durable tasks of a client, newest first. */
export const list = (terminal: Terminal, options: ListOptions, nowMs = Date.now()): Promise<ExitCode> =>
  withTasks(terminal, options.client ?? 'default', async (tasks) => {
    const { state, limit, dead = false } = options;
    const found = await tasks.tasks({ ...(state && { state }), ...(limit !== undefined && { limit }), dead });
    if (options.json) printJson(terminal, found.map(asJson));
    else if (found.length === 0) terminal.err(dead ? 'no dead letters\n' : 'no durable tasks\n');
    else terminal.out(tasksTable(found, nowMs, dead));
    return exitCodes.success;
  });

/** When a task goes into the queue that waits for its time, for a worker or for a limit. */
const starts = {
  title: 'STARTS',
  value: ({ startsUnixMs }: DurableTask) => (startsUnixMs === undefined ? '' : localTime(startsUnixMs)),
};

const waits = { title: 'WAITS FOR', value: ({ waitsFor = '' }: DurableTask) => waitsFor };

const tasksTable = (tasks: readonly DurableTask[], nowMs: number, dead: boolean): string =>
  table(tasks, [
    { title: 'TASK', value: ({ taskId }) => taskId },
    { title: 'TYPE', value: ({ type }) => type },
    { title: 'PRIORITY', value: ({ priority }) => priority },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'AGE', value: ({ createdUnixMs }) => duration(Math.max(0, nowMs - createdUnixMs)), align: 'right' },
    { title: 'PICKUPS', value: ({ pickups }) => pickups, align: 'right' },
    ...(tasks.some(({ startsUnixMs }) => startsUnixMs !== undefined) ? [starts] : []),
    ...(tasks.some(({ waitsFor }) => waitsFor !== undefined) ? [waits] : []),
    ...(dead ? [{ title: 'WHY', value: ({ deadReason = '' }: DurableTask) => deadReason }] : []),
  ]);

function show(terminal: Terminal, task: DurableTask, options: TasksOptions): ExitCode {
  if (options.json) printJson(terminal, asJson(task));
  else {
    const at = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString());
    const lines = [
      ['task', task.taskId],
      ['state', task.state],
      ['type', task.type],
      ['priority', task.priority],
      ['created', at(task.createdUnixMs)],
      ['starts at', at(task.startsUnixMs)],
      ['waits for', task.waitsFor ?? ''],
      ['deadline', at(task.deadlineUnixMs)],
      ['finished', at(task.finishedUnixMs)],
      ['pickups', `${task.pickups}`],
      ['dead', task.deadReason ?? ''],
      ['answered by', task.result?.model ?? ''],
      ['failure', task.failure ? `${task.failure.code}: ${task.failure.message}` : ''],
    ].filter(([, value]) => value !== '');
    terminal.out(`${lines.map(([name, value]) => `${`${name}`.padEnd(12)}${value}`).join('\n')}\n`);
  }
  return exitCodes.success;
}

function asJson({ result, failure, ...task }: DurableTask): object {
  return {
    ...task,
    ...(result && { result: resultAsJson(result, 0, told) }),
    ...(failure && { failure: failureAsJson(failure, 0, told) }),
  };
}
