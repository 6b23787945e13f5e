import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { HistoryOptions } from '../actions/history.ts';
import { kindWords } from '../kinds.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';
import { Argument } from 'commander';

/** `willm history`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('history')
    .helpGroup(headings.documents)
    .description('show every version of a document, or every revision of all, newest first')
    .addArgument(new Argument('[kind]', 'of which document').choices(kindWords))
    .argument('[name]', 'its name or slug')
    .option('--limit <n>', 'how many (default 1000)', wholeNumber(1, 1_000_000))
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (kind: string | undefined, name: string | undefined, options: HistoryOptions) => {
      const { history } = await import('../actions/history.ts');
      end(await history(terminal, kind, name, options));
    });
}
