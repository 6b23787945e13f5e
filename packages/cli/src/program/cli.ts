import type { Command } from 'commander';
import type { ExitCode } from '../cli-error.ts';
import type { Terminal } from '../terminal.ts';

/** The program as a command's registration gets it. */
export interface Cli {
  readonly terminal: Terminal;
  /** Sets the exit code. */
  readonly end: (code: ExitCode) => void;
}

/** Adds one command, or one group of commands, to the program. */
export type Register = (program: Command, cli: Cli) => void;

/** Headings of `willm --help` in their order; a command without one stands under "Commands:" behind them. */
export const headings = {
  tasks: 'Tasks:',
  documents: 'Documents:',
  models: 'Models and prices:',
  calls: 'Calls and costs:',
  operation: 'Operation:',
} as const;

/** A line of `willm --help`. */
export interface CommandWord {
  readonly name: string;
  /** The name with its arguments. */
  readonly term: string;
  readonly description: string;
  readonly heading: string;
  readonly isHidden: boolean;
}

/** A file of `commands/`: what help says of it, and the rest where it is needed. */
export interface CommandFile {
  readonly words: readonly CommandWord[];
  load(): Promise<{ readonly register: Register }>;
}
