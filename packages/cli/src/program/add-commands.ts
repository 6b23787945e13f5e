import { type Command, Help } from 'commander';
import { commandFiles } from '../gen/commands.ts';
import type { Cli } from './cli.ts';

/**
 * Adds the commands that a line may mean: those of the file that it names, else the words of all, for help and for
 * mistakes. So only one file of commands is loaded.
 */
export async function addCommandsFor(args: readonly string[], program: Command, cli: Cli): Promise<void> {
  const [first, second] = args.filter((arg) => arg !== '--');
  const asked = first === 'help' ? second : first;
  const file = commandFiles.find(({ words }) => words.some(({ name }) => name === asked));
  if (file) (await file.load()).register(program, cli);
  else addWords(program);
}

/** Adds every command, whole. */
export async function addAllCommands(program: Command, cli: Cli): Promise<void> {
  for (const { load } of commandFiles) (await load()).register(program, cli);
}

function addWords(program: Command): void {
  const terms = new Map<Command, string>();
  for (const { name, term, description, heading, isHidden } of commandFiles.flatMap(({ words }) => words))
    terms.set(program.command(name, { hidden: isHidden }).description(description).helpGroup(heading), term);
  program.configureHelp({ subcommandTerm: (command) => terms.get(command) ?? new Help().subcommandTerm(command) });
}
