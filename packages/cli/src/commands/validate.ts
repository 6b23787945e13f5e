import { type Cli, headings } from '../program/cli.ts';
import type { Command } from 'commander';

/** `willm validate`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('validate')
    .helpGroup(headings.documents)
    .description('check documents without a bus: each by itself, and that they fit together')
    .argument('<files...>', 'files or folders; "-" reads stdin')
    .option('--json', 'print JSON')
    .action(async (files: string[], options: { json?: boolean }) => {
      const { validate } = await import('../actions/validate.ts');
      end(await validate(terminal, files, options));
    });
}
