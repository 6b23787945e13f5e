import { type Cli, headings } from '../program/cli.ts';
import type { Command } from 'commander';

/** `willm backup` and `willm restore`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('backup')
    .helpGroup(headings.operation)
    .description('copy every store into a folder, also while services use them (WILL_DATA_DIR or WILL_MONGODB_URI)')
    .argument('<folder>', 'a new or empty one')
    .option('--json', 'print JSON')
    .action(async (folder: string, options: { json?: boolean }) => {
      const { backUp } = await import('../actions/stores.ts');
      end(await backUp(terminal, folder, options));
    });
  program
    .command('restore')
    .helpGroup(headings.operation)
    .description('put a backup where there are no stores yet; the services must not run')
    .argument('<folder>', 'the backup')
    .option('--json', 'print JSON')
    .action(async (folder: string, options: { json?: boolean }) => {
      const { restore } = await import('../actions/stores.ts');
      end(await restore(terminal, folder, options));
    });
}
