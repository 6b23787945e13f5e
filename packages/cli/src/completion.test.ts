import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { runCli } from './program.ts';
import { completionsOf } from './commands/completion.ts';
import { addAllCommands } from './program/add-commands.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';

const program = new Command('willm');
await addAllCommands(program, { terminal: fakeTerminal(), end: () => {} });
const wordsFor = (...words: readonly string[]): readonly string[] =>
  completionsOf(program, words).map(({ word }) => word);

test('commands, options and the values that an option or argument may have are completed', () => {
  expect(wordsFor('st')).toEqual(['status']);
  expect(wordsFor('complete')).toEqual([]);
  expect(wordsFor('tasks', '')).toEqual(['ls', 'get', 'wait', 'cancel', 'requeue']);
  expect(wordsFor('tasks', 'ls', '--st')).toEqual(['--state']);
  expect(wordsFor('tasks', 'ls', '--state', 'r')).toEqual(['running']);
  expect(wordsFor('usage', '--client', 'x', '--outcome', '')).toEqual(['Success', 'Timeout', 'Blocked']);
  expect(wordsFor('get', 'mo')).toEqual(['models']);
  // A file, or a name that only documents know.
  expect(wordsFor('apply', '-f', '')).toEqual([]);
  expect(wordsFor('usage', '--client', '')).toEqual([]);
});

test('every command is completed from the words that lead to it', () => {
  const pathsOf = (command: Command, path: readonly string[]): (readonly string[])[] =>
    command
      .createHelp()
      .visibleCommands(command)
      .flatMap((one) => {
        const here = [...path, one.name()];
        return one.name() === 'help' ? [] : [here, ...pathsOf(one, here)];
      });
  const paths = pathsOf(program, []);
  expect(paths.length).toBeGreaterThan(40);
  for (const path of paths) expect(wordsFor(...path)).toContain(path.at(-1));
});

test('the script for bash completes in bash', async () => {
  const terminal = fakeTerminal();
  expect(await runCli(['completion', 'bash'], terminal)).toBe(0);
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const session = `willm() { "${process.execPath}" "${main}" "$@"; }
${terminal.stdout()}
COMP_WORDS=(willm keys re); COMP_CWORD=2; _willm; echo "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', session]);
  expect(stdout).toBe('revoke\n');
});

test.each(['zsh', 'fish'])('there is a script for %s', async (shell) => {
  const terminal = fakeTerminal();
  expect(await runCli(['completion', shell], terminal)).toBe(0);
  expect(terminal.stdout()).toContain('willm complete --');
});

test('every command that prints JSON of a table can be watched', async () => {
  const tables = [
    ['status'],
    ['limits'],
    ['usage'],
    ['logs'],
    ['history'],
    ['get'],
    ['tasks', 'ls'],
    ['keys', 'ls'],
    ['audit', 'ls'],
    ['prices', 'show'],
    ['bus', 'users', 'ls'],
    ['models', 'catalogue'],
  ];
  const offered = tables.map((path) => wordsFor(...path, '--').filter((word) => /^--(json|watch)$/.test(word)));
  expect(offered).toEqual(tables.map(() => ['--json', '--watch']));
});

test('a table that is watched is shown anew until Ctrl-C', async () => {
  const terminal = fakeTerminal();
  const running = runCli(['models', 'catalogue', '--json', '--watch', '0.1'], terminal);
  await expect.poll(() => terminal.stdout().split('\n').length).toBeGreaterThan(2);
  terminal.interrupt();
  expect(await running).toBe(0);
  expect(await runCli(['status', '--watch', 'often'], fakeTerminal())).toBe(2);
});

test('progress stands on one line, goes before what is said next, and is nothing where nobody looks', () => {
  const watched = fakeTerminal({ isWatched: true });
  watched.progress('500 calls');
  watched.progress('1000 calls');
  watched.err('done\n');
  expect(watched.stderr()).toBe('500 calls\r\u001b[K1000 calls\r\u001b[Kdone\n');
  const piped = fakeTerminal();
  piped.progress('500 calls');
  expect(piped.stderr()).toBe('');
});
