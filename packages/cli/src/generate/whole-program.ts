import { readdirSync } from 'node:fs';
import { Command, Help } from 'commander';
import { type CommandWord, headings, type Register } from '../program/cli.ts';
import { processTerminal } from '../terminal.ts';

const folder = new URL('../commands/', import.meta.url);
const order: readonly string[] = [...Object.values(headings), 'Commands:'];

/** A file of `commands/` with the commands that it adds. */
export interface Registered {
  readonly file: string;
  readonly commands: readonly Command[];
  readonly words: readonly CommandWord[];
}

/** Reads every file of `commands/`, in the order of `willm --help`. @throws {Error} a file exports no `register`. */
export async function registeredCommands(): Promise<readonly Registered[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const found = await Promise.all(files.sort().map(registered));
  return found.toSorted((a, b) => placeOf(a) - placeOf(b));
}

const placeOf = ({ words }: Registered): number => order.indexOf(words[0]?.heading ?? '');

async function registered(file: string): Promise<Registered> {
  const { register } = (await import(new URL(file, folder).href)) as { register?: Register };
  if (!register) throw new Error(`packages/cli/src/commands/${file} must export a function \`register\``);
  const program = new Command('willm');
  register(program, { terminal: processTerminal(), end: () => {} });
  const help = new Help();
  const visible = help.visibleCommands(program);
  const words = program.commands.map((command) => ({
    name: command.name(),
    term: help.subcommandTerm(command),
    description: command.description(),
    heading: command.helpGroup() || 'Commands:',
    isHidden: !visible.includes(command),
  }));
  return { file, commands: program.commands.filter((command) => visible.includes(command)), words };
}
