import { subjects, wire } from '@will/contracts';
import type { ExitCode } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { type ChangeOptions, changeOnWire, exitCodeOf, showApplied, waitOf } from './apply.ts';

export type RollbackOptions = ChangeOptions;

/** `willm rollback`: a new revision whose documents equal those of an old one. */
export async function rollback(terminal: Terminal, revision: number, options: RollbackOptions): Promise<ExitCode> {
  const question = { revision: BigInt(revision), ...changeOnWire(options) };
  const { timeoutMs } = waitOf(options);
  const answer = await withBus(terminal, (bus) =>
    ask(
      bus,
      subjects.registry('rollback'),
      [wire.RollbackRequestSchema, question],
      wire.ApplyResponseSchema,
      timeoutMs,
    ),
  );
  if (options.json) printJson(terminal, answer);
  else showApplied(terminal, answer, options);
  return exitCodeOf(answer, options);
}
