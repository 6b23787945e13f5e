/** What a shell sees: 0 success, 1 the task (or request) failed, 2 bad usage, 3 the bus cannot be reached, 130 Ctrl-C. */
export declare const exitCodes: {
  readonly success: 0;
  readonly failed: 1;
  readonly usage: 2;
  readonly unreachable: 3;
  readonly interrupted: 130;
};
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
/** Ends the command with one message on stderr. */
export declare class CliError extends Error {
  readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions);
}
