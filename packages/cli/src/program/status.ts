import { watchOption } from './watch.ts';
import type { Cli } from './cli.ts';
import type { Command } from 'commander';

/** `willm status`. */
export function registerStatus(program: Command, { terminal, end }: Cli): void {
  program
    .command('status')
    .description('show live processes, their revisions, and the models served')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: { json?: boolean }) => {
      const { status } = await import('../commands/status.ts');
      end(await status(terminal, options));
    });
}
