import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** Adds the options of every change of documents. */
export const withChange = (command: Command): Command =>
  command
    .option('--dry-run', 'check, and say what would change, also of the decisions of the last hour')
    .option('--note <text>', 'why, for the history')
    .option('--force', 'remove what keys, projects, tasks, budgets or rules depend on; take names of removed documents')
    .option('--allow-loosening', 'loosen rules on data although the settings say strict_changes')
    .option('--no-wait', 'do not wait until every live process works with the new revision')
    .option('--timeout-ms <ms>', 'how long to wait for that (default 30000)', wholeNumber(1, 600_000))
    .option('--json', 'print the answer as JSON');
