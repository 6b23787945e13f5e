import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { UsageOptions } from '../actions/usage.ts';
import { instant, named, tagKey, taskType, wordsOf } from '../options.ts';
import type { Command } from 'commander';
import { Option } from 'commander';

const usageWords = ['day', 'hour', 'client', 'model', 'type', 'outcome', 'tag'];

/** `willm usage`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('usage')
    .helpGroup(headings.calls)
    .description('show calls, tokens, cost and latency, out of sums that are kept of all calls')
    .option(
      '--by <list>',
      'day, hour, client, model, type, outcome, tag (default model; with --tag: tag)',
      wordsOf(usageWords),
    )
    .option(
      '--since <time>',
      'an ISO time, or a time ago: 2h, 7d (default 24h); whole hours, clients by whole days (UTC)',
      instant(Date.now),
    )
    .option('--until <time>', 'the same (default now)', instant(Date.now))
    .option('--client <name>', 'of one client', named)
    .option('--model <name>', 'of one model', named)
    .option('--tag <key>', 'of calls with this cost tag, told apart by its values; by day, client, model', tagKey)
    .option('--type <type>', 'of one task type', taskType)
    .addOption(new Option('--outcome <outcome>', 'that ended so').choices(['Success', 'Timeout', 'Blocked']))
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: UsageOptions) => {
      const { usage } = await import('../actions/usage.ts');
      end(await usage(terminal, options, Date.now()));
    });
}
