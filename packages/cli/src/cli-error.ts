/**
 * Exit codes that a shell sees: 0 success, 1 the task (or request) failed, 2 bad usage, 3 the bus cannot be reached, 4
 * a change is stored but not every process confirmed it in time, 130 Ctrl-C.
 */
export const exitCodes = { success: 0, failed: 1, usage: 2, unreachable: 3, unconfirmed: 4, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the command with one message on stderr. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
