import { watchOption } from '../program/watch.ts';
import { CliError, exitCodes } from '../cli-error.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { AddModelOptions } from '../actions/add-model.ts';
import type { AddKnownOptions } from '../actions/catalogue.ts';
import { fileOrKnownModel, isGgufFile, wholeNumber, words } from '../options.ts';
import type { Command } from 'commander';
import { Option } from 'commander';

/** `willm models`. */
export function register(program: Command, cli: Cli): void {
  const models = program.command('models').helpGroup(headings.models).description('models and where they come from');
  registerAdd(models, cli);
  registerCatalogue(models, cli);
}

function registerAdd(models: Command, { terminal, end }: Cli): void {
  models
    .command('add')
    .description(
      'make the record of a model file, with what it takes and how fast it is here, or of a well-known model',
    )
    .argument('<file or name>', 'a .gguf file, or a name of the catalogue: openai/gpt-5', fileOrKnownModel)
    .option('--name <name>', 'what it is called (default: as the file says)')
    .option('--tags <list>', 'use cases (default text_gen, or embedding)', words)
    .option('--context <n>', 'tokens of context (default at most 4096)', wholeNumber(1, 100_000_000))
    .option('--concurrency <n>', 'calls at once (default 1)', wholeNumber(1, 8))
    .addOption(new Option('--device <device>', 'what it runs on (default either)').choices(['cpu', 'gpu', 'either']))
    .option('--no-measure', 'do not load it to measure its speed')
    .option('--api-key <reference>', 'where the worker finds the key of a well-known model: env://NAME, file:///path')
    .option('--dry-run', 'print the record and apply nothing')
    .option('--json', 'print JSON')
    .action(async (named: string, options: AddModelOptions & AddKnownOptions) => {
      mustFit(named, options);
      if (isGgufFile(named)) {
        const { addModelFile } = await import('../actions/add-model.ts');
        return end(await addModelFile(terminal, named, options));
      }
      const { addKnownModel } = await import('../actions/catalogue.ts');
      end(await addKnownModel(terminal, named, options, new Date()));
    });
}

function registerCatalogue(models: Command, { terminal, end }: Cli): void {
  models
    .command('catalogue')
    .description('list well-known models to start from, with what they take and cost')
    .option('--json', 'print their records as JSON')
    .addOption(watchOption())
    .action(async (options: { json?: boolean }) => {
      const { showCatalogue } = await import('../actions/catalogue.ts');
      end(await showCatalogue(terminal, options, new Date()));
    });
}

/** A file is looked at and measured, a well-known model is not: what asks for the other is a mistake. */
function mustFit(model: string, options: AddModelOptions & AddKnownOptions): void {
  const { context, concurrency, device, measure, apiKey } = options;
  const wrong = isGgufFile(model)
    ? [apiKey !== undefined && '--api-key']
    : [
        context && '--context',
        concurrency && '--concurrency',
        device && '--device',
        measure === false && '--no-measure',
      ];
  const first = wrong.find((option) => typeof option === 'string');
  if (first === undefined) return;
  const what = isGgufFile(model) ? 'a well-known model' : 'a file';
  throw new CliError(exitCodes.usage, `${first} is for ${what}, and ${JSON.stringify(model)} is none`);
}
