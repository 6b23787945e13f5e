import nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';

// A backup, a seed or exported calls are for who asked for them.
process.umask(0o077);
// Halves the time to the first word; where the folder cannot be written, or Node is too old, everything goes on without it.
nodeModule.enableCompileCache?.(fileURLToPath(new URL('../../../.cache/compile', import.meta.url)));
const { runCli } = await import('./program.ts');
const { processTerminal } = await import('./terminal.ts');

// A reader that had enough, as in `willm logs | head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

// Set, not called: what was written to a pipe must get there first.
process.exitCode = await runCli(process.argv.slice(2), processTerminal());
