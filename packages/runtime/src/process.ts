import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import type { Logger } from './logger.ts';
import { makeFilesPrivate } from './private-files.ts';

/** An id for this process: `router-4f9c…`, 96 random bits in base64url. */
export const newProcessId = (service: string): string => `${service}-${randomBytes(12).toString('base64url')}`;

/** Resolves with the signal's name once the process is asked to stop. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/**
 * Runs a service's main: a failure to start is one line that says what and how to mend it, and exit code 1.
 * Files that the service makes are its owner's alone.
 * Under `npm start` the supervisor is told `ready` over IPC when `main` calls `ready()`.
 */
export async function runMain(logger: Logger, main: (ready: () => void) => Promise<void>): Promise<void> {
  makeFilesPrivate();
  // A supervisor that died without a word must not leave its children behind.
  if (process.send) process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  try {
    await main(() => {
      process.send?.({ kind: 'ready' });
      // A process that is killed later writes nothing at its end; where no cache is kept this does nothing.
      setImmediate(flushCompileCache);
    });
    process.disconnect?.();
    process.exit(0);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    logger.fatal({ error: error instanceof Error ? error.name : 'unknown' }, message);
    process.send?.({ kind: 'failed', message });
    process.exitCode = 1;
    setTimeout(() => process.exit(1), 50);
  }
}
