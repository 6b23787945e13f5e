import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { Command } from 'commander';

/** `willm limits`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('limits')
    .helpGroup(headings.calls)
    .description('show limits and budgets, and how much of each is used')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: { json?: boolean }) => {
      const { limits } = await import('../actions/limits.ts');
      end(await limits(terminal, options));
    });
}
