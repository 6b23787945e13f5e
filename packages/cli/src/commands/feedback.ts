import { type Cli, headings } from '../program/cli.ts';
import type { FeedbackOptions } from '../actions/feedback.ts';
import { named, wholeNumber } from '../options.ts';
import type { Command } from 'commander';
import { Option } from 'commander';

/** `willm feedback`. */
export function register(program: Command, { terminal, end }: Cli): void {
  program
    .command('feedback')
    .helpGroup(headings.tasks)
    .description('say how good the output of a task was')
    .argument('<taskId>', 'its id')
    .option('--score <n>', '1 (useless) to 10', wholeNumber(1, 10))
    .addOption(new Option('--thumbs <way>', 'in place of a score').choices(['up', 'down']))
    .option('--client <name>', 'whose task it was', named)
    .option('--json', 'print JSON')
    .action(async (taskId: string, options: FeedbackOptions) => {
      const { feedback } = await import('../actions/feedback.ts');
      end(await feedback(terminal, taskId, options));
    });
}
