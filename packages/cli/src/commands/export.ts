import { type Cli, headings } from '../program/cli.ts';
import { kindWords } from '../kinds.ts';
import type { Command } from 'commander';
import { Option } from 'commander';

/** `willm export`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('export')
    .helpGroup(headings.documents)
    .description('write the documents in force as YAML that apply takes')
    .argument('[folder]', 'where to, a file for each document; "-" is stdout', '-')
    .addOption(new Option('--kind <kind>', 'of one kind').choices(kindWords))
    .action(async (folder: string, options: { kind?: string }) => {
      const { exportDocuments } = await import('../actions/export.ts');
      end(await exportDocuments(terminal, folder, options));
    });
}
