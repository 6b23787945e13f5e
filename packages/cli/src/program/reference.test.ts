import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { registrations } from './index.ts';

const page = readFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), 'utf8');
const program = new Command('willm');
for (const register of registrations) register(program, { terminal: fakeTerminal(), end: () => {} });

/** Commands that run, with the words that lead to each. */
const leaves = (command: Command, path: string): (readonly [path: string, command: Command])[] => {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
  return below.length === 0 ? [[path, command]] : below.flatMap((one) => leaves(one, `${path} ${one.name()}`));
};

test.each(leaves(program, 'willm'))('the reference of commands names `%s` and its options', (path, command) => {
  expect(page).toContain(path);
  const options = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
  expect(options.filter((long) => long !== '--help' && !page.includes(long))).toEqual([]);
});
