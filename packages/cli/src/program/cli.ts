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
