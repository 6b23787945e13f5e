import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { CreateKeyOptions } from '../actions/keys.ts';
import { instantAhead, named, words } from '../options.ts';
import { dataClasses, unavailableModels } from '@will/core';
import type { Command } from 'commander';
import { Option } from 'commander';

const keyRoles = ['caller', 'operator', 'auditor', 'owner'];

/** `willm keys`. */
export function register(program: Command, cli: Cli): void {
  const keys = program.command('keys').helpGroup(headings.operation).description('manage API keys');
  registerCreate(keys, cli);
  registerList(keys, cli);
  registerRevoke(keys, cli);
}

function registerCreate(keys: Command, { terminal, end }: Cli): void {
  keys
    .command('create')
    .description('make a key; it is shown once and kept only as a digest')
    .requiredOption('--client <name>', 'whose tasks it runs', named)
    .addOption(new Option('--role <role>', 'what it may do').choices(keyRoles).default('caller'))
    .option('--project <list>', 'only within these projects', words)
    .option('--type <list>', 'only tasks of these types', words)
    .addOption(new Option('--data-class <class>', 'what its data is at least').choices([...dataClasses]))
    .addOption(
      new Option(
        '--unavailable-model <what>',
        'where a task may not have the model that it names (default: as the documents say)',
      ).choices(unavailableModels),
    )
    .option('--expires <time>', 'until when it holds: an ISO time, or a time from now: 2h, 30d', instantAhead(Date.now))
    .option('--note <text>', 'what it is for')
    .option('--json', 'print JSON')
    .action(async (options: CreateKeyOptions) => {
      const { createKey } = await import('../actions/keys.ts');
      end(await createKey(terminal, options));
    });
}

function registerList(keys: Command, { terminal, end }: Cli): void {
  keys
    .command('ls')
    .description('show keys, revoked ones too')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: { json?: boolean }) => {
      const { listKeys } = await import('../actions/keys.ts');
      end(await listKeys(terminal, options));
    });
}

function registerRevoke(keys: Command, { terminal, end }: Cli): void {
  keys
    .command('revoke')
    .description('revoke a key: every server rejects it from then on')
    .argument('<id>', 'its id, as `willm keys ls` shows it')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: boolean }) => {
      const { revokeKey } = await import('../actions/keys.ts');
      end(await revokeKey(terminal, id, options));
    });
}
