import { instant, named, taskType } from '../options.ts';
import type { Command } from 'commander';
import { Option } from 'commander';

/** Adds the options that filter calls. */
export const withCallFilters = (command: Command): Command =>
  command
    .option('--client <name>', 'of one client', named)
    .option('--project <name>', 'of one project', named)
    .option('--reflex <name>', 'of one reflex', named)
    .option('--model <name>', 'of one model', named)
    .option('--type <type>', 'of one task type', taskType)
    .addOption(new Option('--outcome <outcome>', 'that ended so').choices(['Success', 'Timeout', 'Blocked']))
    .option('--task <id>', 'of one task')
    .option('--decision <id>', 'of one decision')
    .option('--since <time>', 'an ISO time, or a time ago: 15m, 2h, 7d', instant(Date.now))
    .option('--until <time>', 'the same (default now)', instant(Date.now));
