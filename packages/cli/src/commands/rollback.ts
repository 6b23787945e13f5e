import { subjects, wire } from '@will/contracts';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { applyTimeoutMs, authorName, showApplied } from './apply.ts';

export interface RollbackOptions {
  readonly note?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `willm rollback`: a new revision whose documents equal those of an old one. */
export async function rollback(terminal: Terminal, revision: number, options: RollbackOptions): Promise<ExitCode> {
  const question = {
    revision: BigInt(revision),
    note: options.note ?? '',
    author: authorName(),
    dryRun: options.dryRun ?? false,
  };
  const answer = await withBus(terminal, (bus) =>
    ask(
      bus,
      subjects.registry('rollback'),
      [wire.RollbackRequestSchema, question],
      wire.ApplyResponseSchema,
      applyTimeoutMs,
    ),
  );
  if (options.json) printJson(terminal, answer);
  else showApplied(terminal, answer, options);
  return answer.problems.length > 0 ? exitCodes.failed : exitCodes.success;
}
