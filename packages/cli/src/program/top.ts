import type { Cli } from './cli.ts';
import type { TopOptions } from '../commands/top.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** `willm top`. */
export function registerTop(program: Command, { terminal, end }: Cli): void {
  program
    .command('top')
    .description('watch models: calls in flight and of the last minute, errors, latency, tokens and cost')
    .option('--once', 'one look instead of one every second')
    .option('--json', 'one look, as JSON')
    .option('--every <ms>', 'milliseconds between two looks (default 1000)', wholeNumber(100, 60_000))
    .action(async (options: TopOptions) => {
      const { top } = await import('../commands/top.ts');
      end(await top(terminal, options));
    });
}
