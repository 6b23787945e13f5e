import { withChange } from '../program/change-options.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { ApplyOptions } from '../actions/apply.ts';
import { type Command, Option } from 'commander';

/** `willm apply`. */
export function register(program: Command, { terminal, end }: Cli): void {
  withChange(program.command('apply').helpGroup(headings.documents))
    .description('apply documents: all of them or none')
    .requiredOption('-f, --file <path...>', 'files or folders; "-" reads stdin')
    .option('--prune', 'remove every document that the files do not name')
    .addOption(
      new Option(
        '--window <window>',
        'with --dry-run: replay the recorded decisions of this time, and say what they would cost',
      ).choices(['hour', 'day', 'week']),
    )
    .action(async (options: ApplyOptions) => {
      const { apply } = await import('../actions/apply.ts');
      end(await apply(terminal, options));
    });
}
