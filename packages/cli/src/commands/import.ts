import { type Cli, headings } from '../program/cli.ts';
import type { Command } from 'commander';
import { Argument } from 'commander';

/** `willm import`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('import')
    .helpGroup(headings.documents)
    .description('turn the settings of another router into documents, and tell every field that has no place in them')
    .addArgument(new Argument('<from>', 'whose settings').choices(['litellm']))
    .argument('<file>', 'its config.yaml; "-" reads stdin')
    .option('--json', 'print JSON')
    .option('--strict', 'end with exit code 2 when an entry was left out')
    .action(async (_from: string, file: string, options: { json?: boolean; strict?: boolean }) => {
      const { importFrom } = await import('../actions/import.ts');
      end(await importFrom(terminal, file, options));
    });
}
