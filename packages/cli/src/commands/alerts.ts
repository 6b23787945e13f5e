import type { Command } from 'commander';
import { type Cli, headings } from '../program/cli.ts';
import type { AlertsOptions } from '../actions/alerts.ts';

/** `willm alerts`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('alerts')
    .helpGroup(headings.calls)
    .description('show which budgets reached a threshold, and whether their webhooks were told')
    .option('--retry <id>', 'try a dead one again')
    .option('--json', 'print JSON')
    .action(async (options: AlertsOptions) => {
      const { alerts } = await import('../actions/alerts.ts');
      end(await alerts(terminal, options));
    });
}
