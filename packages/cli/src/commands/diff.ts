import { type Cli, headings } from '../program/cli.ts';
import type { DiffOptions } from '../actions/diff.ts';
import { kindWords } from '../kinds.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';
import { Argument } from 'commander';

/** `willm diff`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('diff')
    .helpGroup(headings.documents)
    .description('show what differs between two revisions, field by field')
    .addArgument(new Argument('[kind]', 'of which document (default: of all)').choices(kindWords))
    .argument('[name]', 'its name or slug')
    .option('--from <revision>', 'the older one (default: before the document last changed)', wholeNumber(0, 1e12))
    .option('--to <revision>', 'the newer one (default: what is in force)', wholeNumber(0, 1e12))
    .option('--json', 'print JSON')
    .action(async (kind: string | undefined, name: string | undefined, options: DiffOptions) => {
      const { diff } = await import('../actions/diff.ts');
      end(await diff(terminal, kind, name, options));
    });
}
