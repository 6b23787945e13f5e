import { type Cli, headings } from '../program/cli.ts';
import type { ReplayOptions } from '../actions/replay.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** `willm replay`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('replay')
    .helpGroup(headings.calls)
    .description('make a kept decision again, from the documents of its revision or of another one')
    .argument('<id>', 'of the decision or of its task')
    .option('--revision <n>', 'what this revision would have chosen; default: its own', wholeNumber(1, 1e12))
    .option('--json', 'print JSON')
    .action(async (id: string, options: ReplayOptions) => {
      const { replay } = await import('../actions/replay.ts');
      end(await replay(terminal, id, options));
    });
}
