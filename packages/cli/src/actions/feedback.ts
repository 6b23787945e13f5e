import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';

export interface FeedbackOptions {
  readonly score?: number;
  readonly thumbs?: 'up' | 'down';
  readonly client?: string;
  readonly json?: boolean;
}

/** `willm feedback`: says how good the output of a task was, which counts where models are ordered by a goal. */
export async function feedback(terminal: Terminal, taskId: string, options: FeedbackOptions): Promise<ExitCode> {
  const score = options.score ?? { up: 10, down: 1 }[options.thumbs ?? 'up'];
  if ((options.score === undefined) === (options.thumbs === undefined))
    throw new CliError(exitCodes.usage, 'say either --score 1..10 or --thumbs up|down');
  const question = { taskId, score, client: options.client ?? '' };
  const { model, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.telemetry('feedback'), [wire.FeedbackRequestSchema, question], wire.FeedbackResponseSchema),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json) printJson(terminal, { taskId, model, score });
  else terminal.out(`${score} of 10 for ${model}\n`);
  return exitCodes.success;
}
