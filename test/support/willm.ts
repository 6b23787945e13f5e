import { execFile } from 'node:child_process';
import { compileCache, programOf } from './programs.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line as a person would, against a bus. */
export const willmAt =
  (natsUrl: string, more: Readonly<Record<string, string>> = {}) =>
  (...args: string[]): Promise<Said> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        [programOf('willm'), ...args],
        { env: { ...process.env, NODE_COMPILE_CACHE: compileCache(), NATS_URL: natsUrl, ...more } },
        (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
      );
    });
