import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { ListOptions, TasksOptions } from '../actions/tasks.ts';
import { named, wholeNumber } from '../options.ts';
import type { Command } from 'commander';
import { Option } from 'commander';

/** `willm tasks`. */
export function register(program: Command, { terminal, end }: Cli): void {
  const tasks = program.command('tasks').helpGroup(headings.tasks).description('durable tasks');
  tasks
    .command('ls')
    .description('show tasks, newest first')
    .option('--client <name>', 'of whom (default "default")', named)
    .addOption(
      new Option('--state <state>', 'in this state').choices([
        'waiting',
        'running',
        'succeeded',
        'failed',
        'cancelled',
        'expired',
      ]),
    )
    .option('--dead', 'only dead letters: tasks that were given up, and why')
    .option('--limit <n>', 'how many (default 20)', wholeNumber(1, 200))
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: ListOptions) => {
      const { list } = await import('../actions/tasks.ts');
      end(await list(terminal, options));
    });
  const ofTask = (word: 'get' | 'wait' | 'cancel' | 'requeue', description: string): void => {
    tasks
      .command(word)
      .description(description)
      .argument('<taskId>', 'its id')
      .option('--client <name>', 'of whom (default "default")', named)
      .option('--json', 'print JSON')
      .action(async (taskId: string, options: TasksOptions) => {
        const commands = await import('../actions/tasks.ts');
        end(await commands[word](terminal, taskId, options));
      });
  };
  ofTask('get', 'show a task as it is');
  ofTask('wait', 'wait for its end and print the answer');
  ofTask('cancel', 'end a task that has not ended');
  ofTask('requeue', 'have a dead letter run anew');
}
