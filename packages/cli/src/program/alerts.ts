import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import type { AlertsOptions } from '../commands/alerts.ts';

/** `willm alerts`. */
export function registerAlerts(program: Command, { terminal, end }: Cli): void {
  program
    .command('alerts')
    .description('show which budgets reached a threshold, and whether their webhooks were told')
    .option('--retry <id>', 'try a dead one again')
    .option('--json', 'print JSON')
    .action(async (options: AlertsOptions) => {
      const { alerts } = await import('../commands/alerts.ts');
      end(await alerts(terminal, options));
    });
}
