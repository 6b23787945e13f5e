import { withChange } from '../program/change-options.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { RollbackOptions } from '../actions/rollback.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** `willm rollback`. */
export function register(program: Command, { terminal, end }: Cli): void {
  withChange(program.command('rollback').helpGroup(headings.documents))
    .description('make a new revision whose documents equal those of an old one')
    .argument('<revision>', 'the old one; `willm history` lists them', wholeNumber(1, 1e12))
    .action(async (revision: number, options: RollbackOptions) => {
      const { rollback } = await import('../actions/rollback.ts');
      end(await rollback(terminal, revision, options));
    });
}
