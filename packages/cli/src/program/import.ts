import type { Cli } from './cli.ts';
import type { Command } from 'commander';
import { Argument } from 'commander';

/** `willm import`. */
export function registerImport(program: Command, { terminal, end }: Cli): void {
  program
    .command('import')
    .description('turn the settings of another router into documents, and tell every field that has no place in them')
    .addArgument(new Argument('<from>', 'whose settings').choices(['litellm']))
    .argument('<file>', 'its config.yaml; "-" reads stdin')
    .option('--json', 'print JSON')
    .option('--strict', 'end with exit code 2 when an entry was left out')
    .action(async (_from: string, file: string, options: { json?: boolean; strict?: boolean }) => {
      const { importFrom } = await import('../commands/import.ts');
      end(await importFrom(terminal, file, options));
    });
}
