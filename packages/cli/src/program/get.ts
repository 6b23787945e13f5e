import { watchOption } from './watch.ts';
import type { Cli } from './cli.ts';
import type { GetOptions } from '../commands/get.ts';
import { kindsByWord } from '../kinds.ts';
import type { Command } from 'commander';
import { Argument } from 'commander';

/** `willm get`. */
export function registerGet(program: Command, { terminal, end }: Cli): void {
  program
    .command('get')
    .description('show documents as they are in force')
    .addArgument(new Argument('<kind>', 'what to show').choices(Object.keys(kindsByWord)))
    .argument('[name]', 'one of them, whole')
    .option('--strength <words>', 'models: only those whose strengths hold these words')
    .option('--quirk <words>', 'models: only those whose quirks hold these words')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (word: string, name: string | undefined, options: GetOptions) => {
      const { get } = await import('../commands/get.ts');
      const kind = kindsByWord[word];
      if (kind) end(await get(terminal, kind, name, options));
    });
}
