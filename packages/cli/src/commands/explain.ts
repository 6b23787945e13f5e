import { type Cli, headings } from '../program/cli.ts';
import type { ExplainOptions } from '../actions/explain.ts';
import { instant, wholeNumber, words, wordsOf } from '../options.ts';
import { typeArgument, withFacts } from '../program/task-options.ts';
import { modalities } from '@will/core';
import type { Command } from 'commander';

/** `willm explain`. */
export function register(program: Command, { terminal, end }: Cli): void {
  withFacts(program.command('explain').helpGroup(headings.tasks))
    .description('say which models may do such a task, in which order, and why the others may not')
    .addArgument(typeArgument())
    .option('--needs <list>', 'capabilities it needs: tools,json_schema', words)
    .option('--input <list>', 'what goes in (default text)', wordsOf(modalities))
    .option('--output <list>', 'what comes out (default text)', wordsOf(modalities))
    .option('--input-tokens <n>', 'how long the input is', wholeNumber(0, 100_000_000))
    .option('--at <time>', 'as if it were then: an ISO time', instant(Date.now))
    .option('--all', 'name also the models that the route does not name')
    .option('--json', 'print JSON')
    .action(async (type: string, options: ExplainOptions) => {
      const { explain } = await import('../actions/explain.ts');
      end(await explain(terminal, type, options));
    });
}
