import type { Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { resolveNames } from '../resolve-names.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { working } from '../working.ts';
import { authorName } from './apply.ts';

export interface EraseLogsOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** A log of millions of calls takes its time. */
const eraseMs = 600_000;

/** `willm logs erase`: removes everything that the call log, the stream of events and durable tasks hold of a client. */
export async function eraseLogs(terminal: Terminal, named: string, options: EraseLogsOptions): Promise<ExitCode> {
  if (!options.yes)
    throw new CliError(exitCodes.usage, `this removes all calls and durable tasks of ${named} for good; say --yes`);
  const { client = named } = await resolveNames(terminal, { client: named }, false);
  // First the tasks: what their ends leave in the log goes with the rest.
  const [ofTasks, ofCalls] = await withBus(terminal, async (bus) => [
    await working(terminal, 'erasing durable tasks', () => erase(bus, subjects.tasksErase, client)),
    await working(terminal, 'erasing calls', () => erase(bus, subjects.telemetry('erase'), client)),
  ]);
  const { tasks, cancelledTasks } = ofTasks;
  const { calls, eventBatches } = ofCalls;
  if (options.json) printJson(terminal, { client, calls, eventBatches, tasks, cancelledTasks });
  else {
    terminal.out(
      `${calls} calls of ${client} erased, with their decisions and sums, and ${eventBatches} batches of events\n`,
    );
    terminal.out(
      `${tasks} durable tasks of ${client} erased; ${cancelledTasks} of them had not ended and were cancelled\n`,
    );
    terminal.err('backups keep what they hold: remove them, or erase again after a restore\n');
  }
  return exitCodes.success;
}

async function erase(bus: Bus, subject: string, client: string): Promise<wire.EraseClientResponse> {
  const request = [wire.EraseClientRequestSchema, { client, author: authorName() }] as const;
  const answer = await ask(bus, subject, request, wire.EraseClientResponseSchema, eraseMs);
  if (answer.error !== '') throw new CliError(exitCodes.failed, answer.error);
  return answer;
}
