export { exitCodes, type ExitCode } from './cli-error.ts';
export { runCli } from './program.ts';
export { processTerminal, type Terminal } from './terminal.ts';
