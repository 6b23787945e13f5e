import type { Cli } from './cli.ts';
import type { Command } from 'commander';

/** `willm decision`. */
export function registerDecision(program: Command, { terminal, end }: Cli): void {
  program
    .command('decision')
    .description('say why a task went where it went')
    .argument('<id>', 'of the decision or of the task')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: boolean }) => {
      const { decision } = await import('../commands/decision.ts');
      end(await decision(terminal, id, options));
    });
}
