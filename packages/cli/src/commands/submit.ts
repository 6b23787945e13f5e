import { type Cli, headings } from '../program/cli.ts';
import type { SubmitOptions } from '../actions/tasks.ts';
import { instantAhead, named, wholeNumber } from '../options.ts';
import { typeArgument, withFacts } from '../program/task-options.ts';
import type { Command } from 'commander';

/** `willm submit`. */
export function register(program: Command, { terminal, end }: Cli): void {
  withFacts(program.command('submit').helpGroup(headings.tasks))
    .description('submit a durable task: it is stored, done when it is its turn, and ends exactly once')
    .addArgument(typeArgument())
    .argument('<text>', 'what to say; "-" reads stdin')
    .option('--timeout-ms <ms>', 'until its deadline (default 24 hours)', wholeNumber(1, 31 * 86_400_000))
    .option(
      '--not-before <time>',
      'not to start before: an ISO time, or a time from now: 2h, 7d',
      instantAhead(Date.now),
    )
    .option('--defer <schedule>', 'start while this schedule is open, or in time for the deadline: off_hours', named)
    .option('--key <key>', 'submitting again with the same key is the same task')
    .option('--wait', 'wait for its end and print the answer')
    .option('--json', 'print JSON')
    .action(async (type: string, text: string, options: SubmitOptions) => {
      const { submit } = await import('../actions/tasks.ts');
      end(await submit(terminal, type, text, options));
    });
}
