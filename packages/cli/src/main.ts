import { runCli } from './program.ts';
import { processTerminal } from './terminal.ts';

// A reader that had enough, as in `willm logs | head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

// Set, not called: what was written to a pipe must get there first.
process.exitCode = await runCli(process.argv.slice(2), processTerminal());
