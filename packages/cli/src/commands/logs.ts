import { watchOption } from '../program/watch.ts';
import { withCallFilters } from '../program/call-filters.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { EraseLogsOptions } from '../actions/erase-logs.ts';
import type { ExportLogsOptions } from '../actions/export-logs.ts';
import type { LogsOptions } from '../actions/logs.ts';
import { named, wholeNumber } from '../options.ts';
import type { Command } from 'commander';
import { Option } from 'commander';

/** `willm logs`. */
export function register(program: Command, cli: Cli): void {
  const { terminal, end } = cli;
  const logsCommand = withCallFilters(program.command('logs').helpGroup(headings.calls))
    .description('show calls, newest first')
    .option('--limit <n>', 'how many (default 20)', wholeNumber(1, 1_000))
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: LogsOptions) => {
      const { logs } = await import('../actions/logs.ts');
      end(await logs(terminal, options));
    });
  registerExport(logsCommand, cli);
  registerContent(logsCommand, cli);
  registerErase(logsCommand, cli);
}

function registerExport(logsCommand: Command, { terminal, end }: Cli): void {
  withCallFilters(logsCommand.command('export'))
    .description('write every call that fits, one line each')
    .addOption(new Option('--format <format>', 'of the lines').choices(['csv', 'jsonl']).default('csv'))
    .option('--out <file>', 'a new file (default: stdout)')
    .action(async (_: unknown, command: Command) => {
      const { exportLogs } = await import('../actions/export-logs.ts');
      // What `logs` knows too is its own, wherever it stands.
      end(await exportLogs(terminal, command.optsWithGlobals<ExportLogsOptions>()));
    });
}

function registerContent(logsCommand: Command, { terminal, end }: Cli): void {
  logsCommand
    .command('content')
    .description('show what was said in a call, of a client whose document says keep_content_hours')
    .argument('<attemptId>', 'of the call')
    .option('--json', 'print JSON')
    .action(async (attemptId: string, _: unknown, command: Command) => {
      const { content } = await import('../actions/content.ts');
      end(await content(terminal, attemptId, command.optsWithGlobals()));
    });
}

function registerErase(logsCommand: Command, { terminal, end }: Cli): void {
  logsCommand
    .command('erase')
    .description('remove the calls, events and durable tasks of a client, for good')
    .argument('<client>', 'its name or slug', named)
    .option('--yes', 'it is meant')
    .option('--json', 'print JSON')
    .action(async (client: string, _: unknown, command: Command) => {
      const { eraseLogs } = await import('../actions/erase-logs.ts');
      end(await eraseLogs(terminal, client, command.optsWithGlobals<EraseLogsOptions>()));
    });
}
