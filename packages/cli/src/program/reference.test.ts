import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { addAllCommands } from './add-commands.ts';

// The page of all commands is generated. What this page tells of some of them, they must have.
const page = readFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), 'utf8');
const program = new Command('willm');
await addAllCommands(program, { terminal: fakeTerminal(), end: () => {} });

const usages = page.split('\n').flatMap((line) => /^willm ([a-z].*)$/.exec(line)?.[1] ?? []);

/** The command that a line leads to. */
function commandOf(usage: string): Command {
  let command = program;
  for (const word of usage.split(' ')) {
    const below = command.commands.find((one) => one.name() === word);
    if (!below) break;
    command = below;
  }
  return command;
}

test.each(usages)('`willm %s` names a command and options that there are', (usage) => {
  const command = commandOf(usage);
  expect(command).not.toBe(program);
  const known = [command, command.parent].flatMap((one) => one?.options.flatMap(({ long }) => long ?? []) ?? []);
  const named = usage.match(/--[a-z][a-z-]*/g) ?? [];
  expect(named.filter((option) => !known.includes(option))).toEqual([]);
});
