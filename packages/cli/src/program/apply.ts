import { withChange } from './change-options.ts';
import type { Cli } from './cli.ts';
import type { ApplyOptions } from '../commands/apply.ts';
import type { Command } from 'commander';

/** `willm apply`. */
export function registerApply(program: Command, { terminal, end }: Cli): void {
  withChange(program.command('apply'))
    .description('apply documents: all of them or none')
    .requiredOption('-f, --file <path...>', 'files or folders; "-" reads stdin')
    .option('--prune', 'remove every document that the files do not name')
    .action(async (options: ApplyOptions) => {
      const { apply } = await import('../commands/apply.ts');
      end(await apply(terminal, options));
    });
}
