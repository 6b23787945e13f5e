import { Command, CommanderError } from 'commander';
import { CliError, type ExitCode, exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';
import { registrations } from './program/index.ts';
import { namesToSlugs } from './program/names-to-slugs.ts';

/** Runs one command line, without `node` and script. Says everything on the terminal; never throws. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const ended = { with: exitCodes.success as ExitCode };
  const program = buildProgram(terminal, (code) => {
    ended.with = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return ended.with;
  } catch (error) {
    return report(terminal, error);
  }
}

function report(terminal: Terminal, error: unknown): ExitCode {
  // Commander has said its own errors already; help that was asked for is none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
  const message = error instanceof Error ? error.message : String(error);
  terminal.err(`willm: ${message}\n`);
  return exitCodeOf(error);
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  // By its code: its class would load the bus's libraries.
  const isUnreachable = error instanceof Error && 'code' in error && error.code === 'unreachable';
  return isUnreachable ? exitCodes.unreachable : exitCodes.failed;
}

/** Commands load what they need only when they run: help and mistakes answer without the bus's libraries. */
function buildProgram(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const program = new Command('willm')
    .description("Will's models: run tasks, apply documents, see what happened and why.")
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showSuggestionAfterError()
    .hook('preAction', async (_program, command) => {
      for (let at: Command | null = command; at; at = at.parent) await namesToSlugs(terminal, at);
    })
    .addHelpText(
      'after',
      '\nThe bus is found by NATS_URL, else by .will/run.json that `npm start` writes, else on port 4222.',
    );
  for (const register of registrations) register(program, { terminal, end });
  return program;
}
