import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { contained, reportStrays } from './contained.ts';
import type { Logger } from './logger.ts';
import { makeFilesPrivate } from './private-files.ts';
import { within } from './within.ts';

/** An id for this process: `router-4f9c…`, 96 random bits in base64url. */
export const newProcessId = (service: string): string => `${service}-${randomBytes(12).toString('base64url')}`;

/** Resolves with the signal's name once the process is asked to stop. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/**
 * From when a process serves, an exception in a callback ends the work that it belongs to, and never the process: others'
 * work is in it. Timers are wrapped by {@link contained}; this is for what is left, listeners of libraries above all.
 * Before, it ends the process, as a failure to start must. The message of an error may hold content, so it is not logged.
 * `more` adds to what is logged.
 */
export function outliveStrays(logger: Logger, more: (stack: string) => object = () => ({})): void {
  const report = (error: unknown): void => {
    const { name = 'unknown', stack = '' } = error instanceof Error ? error : {};
    const frames = stack.split('\n').filter((line) => /^ +at /.test(line));
    logger.error(
      { error: name, ...more(stack), at: frames.slice(0, 8).map((line) => line.trim()) },
      'a callback failed; the process goes on',
    );
  };
  reportStrays(report);
  process.on('uncaughtException', report);
  process.on('unhandledRejection', report);
}

/** Settings by name, as the environment of a process holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A service that serves. */
export interface Service {
  /** Takes nothing new, lets what is under way end, and lets go of everything. */
  stop(): Promise<void>;
}

/** A start that was asked to stop may come to its end within this, so that what it took already ends as it should. */
const lastStartMs = 10_000;

/**
 * Runs a service as a process of its own, until that is asked to stop: a failure to start is one line that says what and
 * how to mend it, and exit code 1. Files that the service makes are its owner's alone. Who asks it to stop while it starts
 * waits at most 10 s.
 * Under `npm start` the supervisor is told `ready` over IPC once the service serves.
 */
export async function runService(logger: Logger, start: (env: Environment) => Promise<Service>): Promise<void> {
  makeFilesPrivate();
  // A supervisor that died without a word must not leave its children behind.
  if (process.send) process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Heard from the first moment: the first process of a container dies of no signal that it does not listen to.
  const stopped = untilStopped();
  try {
    const starting = start(process.env);
    void stopped.then(() => exitUnlessStarted(starting));
    const service = await starting;
    outliveStrays(logger);
    process.send?.({ kind: 'ready' });
    // A process that is killed later writes nothing at its end; where no cache is kept this does nothing.
    setImmediate(contained(flushCompileCache));
    await stopped;
    await service.stop();
    process.disconnect?.();
    process.exit(0);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    logger.fatal({ error: error instanceof Error ? error.name : 'unknown' }, message);
    process.send?.({ kind: 'failed', message });
    process.exitCode = 1;
    setTimeout(
      contained(() => process.exit(1)),
      50,
    );
  }
}

/** Nothing is under way yet that would have to end. */
async function exitUnlessStarted(starting: Promise<Service>): Promise<void> {
  const hasStarted = await within(starting, lastStartMs).catch(() => true);
  if (!hasStarted) process.exit(0);
}
