import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { RefreshOptions, RepriceOptions } from '../actions/prices.ts';
import { instant, named, wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** `willm prices`. */
export function register(program: Command, cli: Cli): void {
  const prices = program
    .command('prices')
    .helpGroup(headings.models)
    .description('what models cost by their documents');
  registerShow(prices, cli);
  registerRefresh(prices, cli);
  registerReprice(prices, cli);
}

function registerShow(prices: Command, { terminal, end }: Cli): void {
  prices
    .command('show')
    .description('show prices in dollars per million tokens')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: { json?: boolean }) => {
      const { showPrices } = await import('../actions/prices.ts');
      end(await showPrices(terminal, options));
    });
}

function registerRefresh(prices: Command, { terminal, end }: Cli): void {
  prices
    .command('refresh')
    .description('put prices of the catalogue that comes with this release into the documents of models called by API')
    .option('--model <name>', 'of one model', named)
    .option('--dry-run', 'say what would change')
    .option('--propose <folder>', 'write the documents there in place of applying them')
    .option(
      '--max-factor <n>',
      'leave prices as they are that become so many times dearer or cheaper',
      wholeNumber(2, 1_000),
      5,
    )
    .option('--yes', 'take such prices too')
    .option('--json', 'print the answer as JSON')
    .action(async (options: RefreshOptions) => {
      const { refreshPrices } = await import('../actions/prices.ts');
      end(await refreshPrices(terminal, options, new Date()));
    });
}

function registerReprice(prices: Command, { terminal, end }: Cli): void {
  prices
    .command('reprice')
    .description('charge past calls of a model anew, at the prices that its document says now')
    .requiredOption('--model <name>', 'whose calls', named)
    .requiredOption('--since <time>', 'from when: an ISO time, or a time ago: 2h, 7d', instant(Date.now))
    .option('--until <time>', 'the same (default now)', instant(Date.now))
    .option('--json', 'print JSON')
    .action(async (options: RepriceOptions) => {
      const { reprice } = await import('../actions/prices.ts');
      end(await reprice(terminal, options));
    });
}
