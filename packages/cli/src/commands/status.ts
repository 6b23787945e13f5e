import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { Command } from 'commander';

/** `willm status`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('status')
    .helpGroup(headings.operation)
    .description('show live processes, their revisions, and the models served')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: { json?: boolean }) => {
      const { status } = await import('../actions/status.ts');
      end(await status(terminal, options));
    });
}
