import { watchOption } from './watch.ts';
import type { Cli } from './cli.ts';
import type { Command } from 'commander';

/** `willm limits`. */
export function registerLimits(program: Command, { terminal, end }: Cli): void {
  program
    .command('limits')
    .description('show limits and budgets, and how much of each is used')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: { json?: boolean }) => {
      const { limits } = await import('../commands/limits.ts');
      end(await limits(terminal, options));
    });
}
