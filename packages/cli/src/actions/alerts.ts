import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { dollars, localTime, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { authorName } from './apply.ts';

export interface AlertsOptions {
  /** Id of a dead alert. */
  readonly retry?: string;
  readonly json?: boolean;
}

/** `willm alerts`: thresholds that budgets reached within 40 days, newest first. */
export async function alerts(terminal: Terminal, { retry = '', json }: AlertsOptions): Promise<ExitCode> {
  const question = { retryId: retry, author: authorName() };
  const { alerts: raised, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.telemetry('alerts'), [wire.AlertsRequestSchema, question], wire.AlertsResponseSchema),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (json) printJson(terminal, raised);
  else if (raised.length === 0) terminal.err('no budget with a webhook reached a threshold\n');
  else terminal.out(table(raised, columns));
  return exitCodes.success;
}

const amount = (metric: string, value: bigint): string => (metric === 'nano_usd' ? dollars(value) : String(value));

const columns = [
  { title: 'REACHED', value: (alert: wire.BudgetAlert) => localTime(Number(alert.reachedUnixMs)) },
  { title: 'OF', value: (alert: wire.BudgetAlert) => `${alert.scope} ${alert.slug}` },
  { title: 'PER', value: (alert: wire.BudgetAlert) => alert.period },
  {
    title: 'THRESHOLD',
    value: ({ threshold }: wire.BudgetAlert) => (threshold === 'exhausted' ? threshold : `${threshold} %`),
  },
  { title: 'USED', value: (alert: wire.BudgetAlert) => amount(alert.metric, alert.used), align: 'right' },
  { title: 'BUDGET', value: (alert: wire.BudgetAlert) => amount(alert.metric, alert.most), align: 'right' },
  { title: 'STATE', value: (alert: wire.BudgetAlert) => alert.state },
  { title: 'ATTEMPTS', value: (alert: wire.BudgetAlert) => alert.attempts, align: 'right' },
  { title: 'LAST ERROR', value: (alert: wire.BudgetAlert) => alert.lastError },
  { title: 'ID', value: (alert: wire.BudgetAlert) => alert.id },
] as const;
