import { type Argument, type Command, Help, type Option } from 'commander';

const help = new Help();

/** The page of all commands with their arguments and options, out of their own words. */
export const referencePage = (commands: readonly Command[]): string =>
  [
    '# Commands of willm\n',
    '<!-- Generated from packages/cli/src/commands by `npm run generate`. -->\n',
    'Every command with its arguments and options, as the program itself declares them. [willm](cli.md) tells more of',
    'exit codes, of what is printed and of what the longer ones do. `willm <command> --help` shows the same.',
    ...Map.groupBy(commands, (command) => command.helpGroup() || 'Commands:')
      .entries()
      .flatMap(([heading, group]) => [
        `\n## ${heading.replace(':', '')}`,
        ...group.flatMap((command) => sections(command, 'willm')),
      ]),
    '',
  ].join('\n');

/** Of the commands below a group where it has any. */
function sections(command: Command, above: string): readonly string[] {
  const path = `${above} ${command.name()}`;
  const below = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const own = below.length === 0 || command.registeredArguments.length > 0 || help.visibleOptions(command).length > 1;
  return [...(own ? [section(command, path)] : []), ...below.flatMap((one) => sections(one, path))];
}

function section(command: Command, path: string): string {
  const rows = [
    ...help.visibleArguments(command).map((one) => row(termOf(one), one)),
    ...help.visibleOptions(command).flatMap((one) => (one.long === '--help' ? [] : [row(one.flags, one)])),
  ];
  const table = rows.length === 0 ? [] : ['', '| argument or option | |', '|---|---|', ...rows];
  return [`\n### ${path}`, sentence(command.description()), '```', `${path} ${command.usage()}`, '```', ...table].join(
    '\n',
  );
}

const termOf = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

function row(term: string, one: Argument | Option): string {
  const choices = one.argChoices?.map((choice) => `\`${choice}\``).join(', ');
  const isRequired = 'mandatory' in one && one.mandatory;
  const words = [one.description, choices && `one of ${choices}`, isRequired && 'required'].filter(Boolean);
  return `| \`${term}\` | ${words.join('; ').replaceAll('|', '\\|')} |`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
