import { Command, CommanderError } from 'commander';
import { CliError, type ExitCode, exitCodes } from './cli-error.ts';
import type { Terminal } from './terminal.ts';
import { addCommandsFor } from './program/add-commands.ts';
import { namesToSlugs } from './program/names-to-slugs.ts';

/** Runs one command line, without `node` and script. Says everything on the terminal; never throws. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const first = await runOnce(args, terminal);
  return first.watchSeconds === undefined ? first.code : runAgain(args, terminal, first.watchSeconds);
}

interface Ran {
  readonly code: ExitCode;
  /** Not undefined: it is to be run again so much later. */
  readonly watchSeconds: number | undefined;
}

async function runOnce(args: readonly string[], terminal: Terminal): Promise<Ran> {
  const ended: { code: ExitCode; watchSeconds: number | undefined } = {
    code: exitCodes.success,
    watchSeconds: undefined,
  };
  const program = buildProgram(terminal);
  const end = (code: ExitCode): void => {
    ended.code = code;
  };
  await addCommandsFor(args, program, { terminal, end });
  program.hook('preAction', (_program, command) => {
    ended.watchSeconds = command.getOptionValue('watch') as number | undefined;
    if (ended.watchSeconds !== undefined && !command.getOptionValue('json')) terminal.clear();
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return ended;
  } catch (error) {
    return { ...ended, code: report(terminal, error) };
  }
}

/** Until Ctrl-C. What cannot be reached is told each time, and asked again. */
async function runAgain(args: readonly string[], terminal: Terminal, seconds: number): Promise<ExitCode> {
  const interrupted = Promise.withResolvers<void>();
  let isOver = false;
  const stopListening = terminal.onInterrupt(() => {
    isOver = true;
    interrupted.resolve();
  });
  let code: ExitCode = exitCodes.success;
  while (!isOver) {
    const pause = Promise.withResolvers<void>();
    const timer = setTimeout(() => pause.resolve(), seconds * 1_000);
    await Promise.race([pause.promise, interrupted.promise]);
    clearTimeout(timer);
    if (!isOver) ({ code } = await runOnce(args, terminal));
  }
  stopListening();
  return code;
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
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'unreachable' || code === 'timeout' ? exitCodes.unreachable : exitCodes.failed;
}

function buildProgram(terminal: Terminal): Command {
  return new Command('willm')
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
}
