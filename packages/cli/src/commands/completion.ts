import { Argument, Command, type Option } from 'commander';
import { type Cli, headings } from '../program/cli.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

/** `willm completion`, and what its scripts ask. */
export function register(program: Command, cli: Cli): void {
  const { terminal } = cli;
  program
    .command('completion')
    .helpGroup(headings.operation)
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which').choices([...shells]))
    .action((shell: (typeof shells)[number]) => terminal.out(scripts[shell]));
  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'the command line behind `willm`; the last word is the one to complete')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      for (const { word, description } of completionsOf(await wholeProgram(cli), words))
        terminal.out(`${word}\t${description}\n`);
    });
}

/** The line that is completed may name any command. */
async function wholeProgram(cli: Cli): Promise<Command> {
  const { addAllCommands } = await import('../program/add-commands.ts');
  const whole = new Command('willm');
  await addAllCommands(whole, cli);
  return whole;
}

export interface Completion {
  readonly word: string;
  readonly description: string;
}

/** Words that may stand in the place of the last one, by the table of commands. Empty: anything, such as a file. */
export function completionsOf(program: Command, words: readonly string[]): readonly Completion[] {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, position } = commandAt(program, before);
  const awaited = command.options.find((option) => isNamed(option, before.at(-1)) && option.required);
  const found = awaited ? choicesOf(awaited) : typed.startsWith('-') ? optionsOf(command) : namesOf(command, position);
  return found.filter(({ word }) => word.startsWith(typed));
}

/** The command that the words lead to, and how many arguments of it are there. */
function commandAt(program: Command, words: readonly string[]): { command: Command; position: number } {
  let [command, position] = [program, 0];
  for (const [at, word] of words.entries()) {
    const isValue = command.options.some((option) => isNamed(option, words[at - 1]) && option.required);
    if (isValue || word.startsWith('-')) continue;
    const below = command.commands.find((one) => one.name() === word);
    if (below) [command, position] = [below, 0];
    else position += 1;
  }
  return { command, position };
}

const isNamed = ({ long, short }: Option, word: string | undefined): boolean =>
  word !== undefined && (word === long || word === short);

const choicesOf = ({ argChoices, description }: Pick<Option, 'argChoices' | 'description'>): readonly Completion[] =>
  (argChoices ?? []).map((word) => ({ word, description }));

const optionsOf = ({ options }: Command): readonly Completion[] =>
  options.flatMap(({ long, hidden, description }) => (long && !hidden ? [{ word: long, description }] : []));

function namesOf(command: Command, position: number): readonly Completion[] {
  const argument = command.registeredArguments[position];
  const below = position === 0 ? command.createHelp().visibleCommands(command) : [];
  return [
    ...below
      .filter((one) => one.name() !== 'help')
      .map((one) => ({ word: one.name(), description: one.description() })),
    ...(argument ? choicesOf(argument) : []),
  ];
}

const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `# eval "$(willm completion bash)"
_willm() {
  local IFS=$'\\n'
  COMPREPLY=($(willm complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _willm willm
`,
  zsh: `#compdef willm
# source <(willm completion zsh)
_willm() {
  local -a found
  found=("\${(@f)$(willm complete -- "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null | sed -e 's/:/\\\\:/g' -e 's/\\t/:/')}")
  if [[ -n "$found" ]]; then _describe willm found; else _files; fi
}
compdef _willm willm
`,
  fish: `# willm completion fish | source
complete -c willm -a '(willm complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};
