import { connectClient, TaskError, type TaskClient, type TaskRequest, type TaskResult } from '@will/client';
import type { wire } from '@will/contracts';
import { type DataClass, fieldsKind, type Outcome, type Priority, type UnavailableModel } from '@will/core';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { priorityIn } from '../options.ts';
import { dollars, duration } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
import { type InputOptions, readInput, type GivenInput } from './task-input.ts';

export interface RunOptions extends InputOptions {
  readonly client?: string;
  readonly project?: string;
  readonly reflex?: string;
  readonly priority?: Priority;
  readonly highPriority?: boolean;
  readonly model?: string;
  readonly unavailableModel?: UnavailableModel;
  readonly dataClass?: DataClass;
  readonly maxTokens?: number;
  readonly timeoutMs?: number;
  readonly firstTokenTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly costTag?: Readonly<Record<string, string>>;
  /** The text is the fields of the task type, as JSON. */
  readonly fields?: boolean;
  readonly stream?: boolean;
  readonly json?: boolean;
}

/** `willm run`: a task over the bus. */
export async function run(
  terminal: Terminal,
  type: string,
  text: string | undefined,
  options: RunOptions,
): Promise<ExitCode> {
  const input = await readInput(terminal, type, text, options);
  const client = options.client ?? 'default';
  return withBus(
    terminal,
    async (bus) => {
      const tasks = await connectClient({ bus, client });
      try {
        return await runTask(tasks, terminal, requestOf(type, input, options), options);
      } finally {
        await tasks.close();
      }
    },
    client,
  );
}

export function requestOf(type: string, said: string | GivenInput, options: RunOptions): TaskRequest {
  const given = typeof said === 'string' ? { input: said } : said;
  const priority = priorityIn(options);
  const { client, project, reflex, model, unavailableModel, dataClass, maxTokens, timeoutMs } = options;
  const { firstTokenTimeoutMs, idleTimeoutMs } = options;
  return {
    type,
    ...given,
    ...(options.fields &&
      typeof given.input === 'string' && { input: Buffer.from(given.input), inputKind: fieldsKind }),
    client: client ?? 'default',
    ...(project !== undefined && { project }),
    ...(reflex !== undefined && { reflex }),
    ...(priority !== undefined && { priority }),
    ...(model !== undefined && { model }),
    ...(unavailableModel !== undefined && { unavailableModel }),
    ...(dataClass !== undefined && { dataClass }),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(firstTokenTimeoutMs !== undefined && { firstTokenTimeoutMs }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(options.costTag && { costTags: options.costTag }),
  };
}

/** Runs a task and shows what becomes of it. Ctrl-C cancels it. */
export async function runTask(
  tasks: TaskClient,
  terminal: Terminal,
  request: TaskRequest,
  { stream = false, json = false }: Pick<RunOptions, 'stream' | 'json'>,
): Promise<ExitCode> {
  const abort = new AbortController();
  const stopListening = terminal.onInterrupt(() => abort.abort());
  const startedMs = performance.now();
  const told: Told = { text: '', firstContentMs: undefined };
  try {
    const result = await tasks.start({ ...request, signal: abort.signal }, stream, (part) => {
      if (part.kind !== 'delta') return;
      told.firstContentMs ??= Math.round(performance.now() - startedMs);
      const words = part.delta.text + (part.delta.refusal ?? '');
      told.text += words;
      if (!json) terminal.content(words);
    });
    const durationMs = Math.round(performance.now() - startedMs);
    if (json) printJson(terminal, resultAsJson(result, durationMs, told));
    else showResult(terminal, result, durationMs, told);
    return exitCodes.success;
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    const durationMs = Math.round(performance.now() - startedMs);
    if (json) printJson(terminal, failureAsJson(error, durationMs, told));
    else showFailure(terminal, error, told);
    return abort.signal.aborted ? exitCodes.interrupted : exitCodes.failed;
  } finally {
    stopListening();
  }
}

/** What of the answer was shown before its end. */
interface Told {
  text: string;
  firstContentMs: number | undefined;
}

export function showResult(terminal: Terminal, result: TaskResult, durationMs: number, told: Told): void {
  const rest = told.text === '' ? result.output + (result.refusal ?? '') || result.toolCalls : '';
  terminal.content(`${rest}${(told.text + rest).endsWith('\n') ? '' : '\n'}`);
  const { modelName, usage, decisionId, attempts, finish, costNanoUsd } = result;
  const failed = attempts.filter(({ outcome }) => outcome !== 'Success');
  const called = failed.filter(({ attemptId }) => attemptId !== '').map(({ model, status }) => `${model} ${status}`);
  const passedOver = new Set(failed.filter(({ attemptId }) => attemptId === '').map(({ model }) => model));
  // It was full at first, and answered after all.
  passedOver.delete(result.model);
  const facts = [
    modelName,
    usage ? `${usage.estimated ? '~' : ''}${usage.inputTokens}+${usage.outputTokens} tokens` : '',
    dollars(costNanoUsd),
    duration(durationMs),
    finish === 'length' ? 'cut at its length limit' : '',
    called.length > 0 ? `after ${called.join(', ')}` : '',
    passedOver.size > 0 ? `not served: ${[...passedOver].join(', ')}` : '',
    `decision ${decisionId}`,
  ];
  terminal.err(`${facts.filter((fact) => fact !== '').join(' · ')}\n`, 'dim');
  for (const notice of result.notices ?? []) terminal.err(`notice: ${notice}\n`);
}

export function showFailure(terminal: Terminal, error: TaskError, told: Told): void {
  if (told.text !== '' && !told.text.endsWith('\n')) terminal.out('\n');
  const lines = [
    `willm: ${error.code}: ${error.message}`,
    ...error.attempts.map(
      ({ number, model, status, reason }) =>
        `  attempt ${number}: ${model} ${status}${reason === '' ? '' : `, ${reason}`}`,
    ),
    ...error.exclusions.map(({ model, rule, detail }) => `  not ${model}: ${rule}, ${detail}`),
    ...(error.decisionId === '' ? [] : [`  decision ${error.decisionId}`]),
  ];
  terminal.err(`${lines.join('\n')}\n`);
}

export const resultAsJson = (result: TaskResult, durationMs: number, { firstContentMs }: Told): object => ({
  taskId: result.taskId,
  outcome: result.outcome,
  model: result.model,
  modelName: result.modelName,
  output: result.output,
  ...(result.refusal !== undefined && { refusal: result.refusal }),
  ...(result.reasoning !== '' && { reasoning: result.reasoning }),
  ...(result.toolCalls !== '' && { toolCalls: JSON.parse(result.toolCalls) as unknown }),
  finish: result.finish,
  attempts: result.attempts,
  usage: result.usage ?? null,
  costNanoUsd: result.costNanoUsd ?? null,
  decisionId: result.decisionId,
  durationMs,
  ...(firstContentMs !== undefined && { firstContentMs }),
});

export const failureAsJson = (error: TaskError, durationMs: number, { text }: Told): object => ({
  taskId: error.taskId,
  outcome: outcomeOfFailure(error),
  model: '',
  /** What had come of a stream before it broke. */
  output: text,
  attempts: error.attempts,
  usage: null,
  decisionId: error.decisionId,
  durationMs,
  error: { code: error.code, message: error.message, retryable: error.isRetryable, retryAfterMs: error.retryAfterMs },
  exclusions: error.exclusions,
});

/** The specification's word for a task that failed: the last attempt's where there was one, else by the code. */
export function outcomeOfFailure({
  code,
  attempts,
}: {
  code: TaskError['code'];
  attempts: readonly wire.AttemptSummary[];
}): Outcome {
  if (code === 'all_failed') return attempts.at(-1)?.outcome === 'Timeout' ? 'Timeout' : 'Blocked';
  const timeouts: readonly TaskError['code'][] = ['deadline', 'worker_lost', 'router_lost', 'truncated'];
  return timeouts.includes(code) ? 'Timeout' : 'Blocked';
}
