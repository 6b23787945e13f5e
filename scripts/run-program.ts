import { spawn, type SpawnOptions } from 'node:child_process';

export interface ProgramEnd {
  /** undefined: it could not be started, or a signal or the time limit ended it. */
  readonly code: number | undefined;
  readonly output: string;
}

export interface ProgramOptions extends Pick<SpawnOptions, 'cwd' | 'env'> {
  /** True: what it writes is shown on stderr instead of being kept. */
  readonly shown?: boolean;
  /** After this long it is killed; default: never. */
  readonly limitMs?: number;
}

/** Runs a program to its end; never rejects. What it wrote to stdout and stderr comes back as one text. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramEnd> {
  const { shown = false, limitMs, ...rest } = options;
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, {
      ...rest,
      stdio: shown ? ['ignore', 2, 2] : ['ignore', 'pipe', 'pipe'],
      ...(limitMs === undefined ? {} : { timeout: limitMs, killSignal: 'SIGKILL' as const }),
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.on('error', (error) => resolve({ code: undefined, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? undefined, output }));
  });
}
