import { modelName, named, statedOnce, taskType, wholeNumber } from '../options.ts';
import { dataClasses, unavailableModels } from '@will/core';
import type { Command } from 'commander';
import { Argument, Option } from 'commander';

const priorities = ['background', 'normal', 'high'];

/** Adds the options that `run` and `explain` share for a task's facts. */
export const withFacts = (command: Command): Command =>
  statedOnce(
    command
      .option('--client <name>', 'for whom (default "default")', named)
      .option('--project <name>', 'within which project', named)
      .option('--reflex <name>', 'for which reflex', named)
      .addOption(new Option('--priority <priority>', 'how urgent (default normal)').choices(priorities))
      .option('--high-priority', 'priority high: premium models are allowed and tried first')
      .option(
        '--model <name>',
        'use this model: slug, name or alias; it is an error if the task may not have it',
        modelName,
      )
      .addOption(
        new Option(
          '--unavailable-model <what>',
          'where the task may not have its --model: an error, or the route answers (default error)',
        ).choices(unavailableModels),
      )
      .addOption(
        new Option('--data-class <class>', 'what the data is; can only be stricter than the documents say').choices([
          ...dataClasses,
        ]),
      )
      .option('--max-tokens <n>', 'longest output, in tokens', wholeNumber(1, 10_000_000)),
  );

export const typeArgument = (): Argument =>
  new Argument('<type>', 'the task type: text_gen, code, translation, …').argParser(taskType);
