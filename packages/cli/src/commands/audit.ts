import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { VerifyAuditOptions } from '../actions/audit.ts';
import { wholeNumber } from '../options.ts';
import type { Command } from 'commander';

/** `willm audit`. */
export function register(program: Command, { terminal, end }: Cli): void {
  const audit = program
    .command('audit')
    .helpGroup(headings.operation)
    .description('what was changed and refused, each entry bound to the one before');
  audit
    .command('ls')
    .description('show entries, newest first')
    .option('--limit <n>', 'how many (default 100)', wholeNumber(1, 500))
    .option('--before <n>', 'those before this number', wholeNumber(1, 1e12))
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: { limit?: number; before?: number; json?: boolean }) => {
      const { listAudit } = await import('../actions/audit.ts');
      end(await listAudit(terminal, options));
    });
  audit
    .command('verify')
    .description('read the whole log and tell the first entry that is not as it was written')
    .option('--anchor <file>', 'compare with the ends that WILL_AUDIT_ANCHOR keeps in a file')
    .option('--file <file>', 'verify this copy of audit.jsonl, without asking the registry')
    .option('--json', 'print JSON')
    .action(async (options: VerifyAuditOptions) => {
      const { verifyAudit } = await import('../actions/audit.ts');
      end(await verifyAudit(terminal, options));
    });
}
