import { type Cli, headings } from '../program/cli.ts';
import type { TopOptions } from '../actions/top.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** `willm top`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('top')
    .helpGroup(headings.operation)
    .description('watch models: calls in flight and of the last minute, errors, latency, tokens and cost')
    .option('--once', 'one look instead of one every second')
    .option('--json', 'one look, as JSON')
    .option('--every <ms>', 'milliseconds between two looks (default 1000)', wholeNumber(100, 60_000))
    .action(async (options: TopOptions) => {
      const { top } = await import('../actions/top.ts');
      end(await top(terminal, options));
    });
}
