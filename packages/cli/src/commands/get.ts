import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { GetOptions } from '../actions/get.ts';
import { kindsByWord } from '../kinds.ts';
import type { Command } from 'commander';
import { Argument } from 'commander';

/** `willm get`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('get')
    .helpGroup(headings.documents)
    .description('show documents as they are in force')
    .addArgument(new Argument('<kind>', 'what to show').choices(Object.keys(kindsByWord)))
    .argument('[name]', 'one of them, whole')
    .option('--strength <words>', 'models: only those whose strengths hold these words')
    .option('--quirk <words>', 'models: only those whose quirks hold these words')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (word: string, name: string | undefined, options: GetOptions) => {
      const { get } = await import('../actions/get.ts');
      const kind = kindsByWord[word];
      if (kind) end(await get(terminal, kind, name, options));
    });
}
