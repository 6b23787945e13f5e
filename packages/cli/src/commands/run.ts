import { type Cli, headings } from '../program/cli.ts';
import type { RunOptions } from '../actions/run.ts';
import { costTag, wholeNumber } from '../options.ts';
import { typeArgument, withFacts } from '../program/task-options.ts';
import { maxTimeoutMs } from '@will/core';
import type { Command } from 'commander';

/** `willm run`. */
export function register(program: Command, { terminal, end }: Cli): void {
  withFacts(program.command('run').helpGroup(headings.tasks))
    .description('run a task and print its answer')
    .addArgument(typeArgument())
    .argument('[text]', 'what to say; "-" reads stdin')
    .option('--file <path>', 'read the text from a file')
    .option('--image <path...>', 'show images beside the text: PNG, JPEG, GIF or WebP')
    .option('--audio <path>', 'a recording to transcribe; the text, if any, is a hint')
    .option(
      '--timeout-ms <ms>',
      'for the whole task, with all attempts (default 10 minutes)',
      wholeNumber(1, maxTimeoutMs),
    )
    .option(
      '--first-token-timeout-ms <ms>',
      'how long one model may be silent before its first content',
      wholeNumber(1, maxTimeoutMs),
    )
    .option(
      '--cost-tag <key=value>',
      'what its cost is counted under, as the client declares; may be repeated',
      costTag,
    )
    .option('--idle-timeout-ms <ms>', 'how long a silence within the answer may last', wholeNumber(1, maxTimeoutMs))
    .option('--fields', "the text is JSON of the task type's fields")
    .option('--stream', 'print the answer as it is made')
    .option('--json', 'print one JSON object at the end, also when the task failed')
    .action(async (type: string, text: string | undefined, options: RunOptions) => {
      const { run } = await import('../actions/run.ts');
      end(await run(terminal, type, text, options));
    });
}
