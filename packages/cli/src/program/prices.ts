import type { Cli } from './cli.ts';
import type { RepriceOptions } from '../commands/prices.ts';
import { instant, named } from '../options.ts';
import type { Command } from 'commander';

/** `willm prices`. */
export function registerPrices(program: Command, { terminal, end }: Cli): void {
  const prices = program.command('prices').description('what models cost by their documents');
  prices
    .command('show')
    .description('show prices in dollars per million tokens')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { showPrices } = await import('../commands/prices.ts');
      end(await showPrices(terminal, options));
    });
  prices
    .command('refresh')
    .description('put prices of the catalogue that comes with this release into the documents of models called by API')
    .option('--model <name>', 'of one model', named)
    .option('--dry-run', 'say what would change')
    .option('--json', 'print the answer as JSON')
    .action(async (options: { model?: string; dryRun?: boolean; json?: boolean }) => {
      const { refreshPrices } = await import('../commands/prices.ts');
      end(await refreshPrices(terminal, options, new Date()));
    });
  prices
    .command('reprice')
    .description('charge past calls of a model anew, at the prices that its document says now')
    .requiredOption('--model <name>', 'whose calls', named)
    .requiredOption('--since <time>', 'from when: an ISO time, or a time ago: 2h, 7d', instant(Date.now))
    .option('--until <time>', 'the same (default now)', instant(Date.now))
    .option('--json', 'print JSON')
    .action(async (options: RepriceOptions) => {
      const { reprice } = await import('../commands/prices.ts');
      end(await reprice(terminal, options));
    });
}
