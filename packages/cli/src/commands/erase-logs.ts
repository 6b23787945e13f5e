import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { authorName } from './apply.ts';

export interface EraseLogsOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** A log of millions of calls takes its time. */
const eraseMs = 600_000;

/** `willm logs erase`: removes everything that the call log holds of a client. */
export async function eraseLogs(terminal: Terminal, client: string, options: EraseLogsOptions): Promise<ExitCode> {
  if (!options.yes) throw new CliError(exitCodes.usage, `this removes all calls of ${client} for good; say --yes`);
  const { calls, error } = await withBus(terminal, (bus) =>
    ask(
      bus,
      subjects.telemetry('erase'),
      [wire.EraseClientRequestSchema, { client, author: authorName() }],
      wire.EraseClientResponseSchema,
      eraseMs,
    ),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json) printJson(terminal, { client, calls });
  else terminal.out(`${calls} calls of ${client} erased, with their decisions and sums\n`);
  return exitCodes.success;
}
