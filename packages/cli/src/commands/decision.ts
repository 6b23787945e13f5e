import { type Cli, headings } from '../program/cli.ts';
import type { Command } from 'commander';

/** `willm decision`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('decision')
    .helpGroup(headings.calls)
    .description('say why a task went where it went')
    .argument('<id>', 'of the decision or of the task')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: boolean }) => {
      const { decision } = await import('../actions/decision.ts');
      end(await decision(terminal, id, options));
    });
}
