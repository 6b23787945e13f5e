import { Option } from 'commander';
import { secondsBetween } from '../options.ts';

/** Of every command that shows a table: `runCli` runs it again and again. */
export const watchOption = (): Option =>
  new Option('--watch [seconds]', 'show it anew every so many seconds (default 2) until Ctrl-C')
    .argParser(secondsBetween(0.1, 3_600))
    .preset('2');
