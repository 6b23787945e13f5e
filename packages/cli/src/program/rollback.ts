import { withChange } from './change-options.ts';
import type { Cli } from './cli.ts';
import type { RollbackOptions } from '../commands/rollback.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** `willm rollback`. */
export function registerRollback(program: Command, { terminal, end }: Cli): void {
  withChange(program.command('rollback'))
    .description('make a new revision whose documents equal those of an old one')
    .argument('<revision>', 'the old one; `willm history` lists them', wholeNumber(1, 1e12))
    .action(async (revision: number, options: RollbackOptions) => {
      const { rollback } = await import('../commands/rollback.ts');
      end(await rollback(terminal, revision, options));
    });
}
