import { type Cli, headings } from '../program/cli.ts';
import type { ProveOptions, VerifyProofOptions } from '../actions/prove.ts';
import { instant, named } from '../options.ts';
import type { Command } from 'commander';

/** `willm prove`. */
export function register(program: Command, { terminal, end }: Cli): void {
  const command = program
    .command('prove')
    .helpGroup(headings.calls)
    .description('report every call of a client, signed, with what proves it')
    .option('--client <name>', 'whose calls', named)
    .option('--from <time>', 'calls from then on: an ISO time, or a time ago: 2h, 7d', instant(Date.now))
    .option('--to <time>', 'calls before then (default now)', instant(Date.now))
    .option('--out <file>', 'a new file (default: stdout)')
    .action(async ({ client, from, ...options }: Partial<ProveOptions>) => {
      if (client === undefined) return command.error("error: required option '--client <name>' not specified");
      if (from === undefined) return command.error("error: required option '--from <time>' not specified");
      const { prove } = await import('../actions/prove.ts');
      end(await prove(terminal, { client, from, ...options }));
    });
  command
    .command('verify')
    .description('check a report against a copy of the audit log, without asking anybody')
    .argument('<report>', 'the file')
    .requiredOption('--audit <file>', 'copy of the registry’s audit.jsonl')
    .option('--anchor <file>', 'the ends that WILL_AUDIT_ANCHOR keeps in a file')
    .option('--json', 'print JSON')
    .action(async (report: string, options: VerifyProofOptions) => {
      const { verifyProof } = await import('../actions/prove.ts');
      end(await verifyProof(terminal, report, options));
    });
}
