import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { dollars, duration, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';

/** `willm limits`: every limit that a document states, and how much of it is used in its present period. */
export async function limits(
  terminal: Terminal,
  options: { readonly json?: boolean },
  nowMs = Date.now(),
): Promise<ExitCode> {
  const { limits: states, error } = await withBus(terminal, (bus) =>
    ask(bus, subjects.telemetry('limits'), [wire.LimitsRequestSchema, {}], wire.LimitsResponseSchema),
  );
  if (error !== '') throw new CliError(exitCodes.failed, error);
  if (options.json) printJson(terminal, states);
  else if (states.length === 0) terminal.err('no document states a limit\n');
  else terminal.out(limitsTable(states, nowMs));
  return exitCodes.success;
}

const amount = (metric: string, value: bigint): string => (metric === 'nano_usd' ? dollars(value) : String(value));

function limitsTable(states: readonly wire.LimitState[], nowMs: number): string {
  return table(states, [
    { title: 'OF', value: ({ scope, id }) => `${scope} ${id}` },
    { title: 'WHAT', value: ({ metric }) => (metric === 'nano_usd' ? 'money' : metric) },
    { title: 'PER', value: ({ period }) => period },
    { title: 'USED', value: ({ metric, used }) => amount(metric, used), align: 'right' },
    { title: 'LIMIT', value: ({ metric, most }) => amount(metric, most), align: 'right' },
    {
      title: '',
      value: ({ used, most, warns }) => (used >= most ? 'used up' : warns ? 'nearly used up' : ''),
    },
    {
      title: 'ANEW IN',
      value: ({ periodEndsUnixMs }) => duration(Math.max(0, Number(periodEndsUnixMs) - nowMs)),
      align: 'right',
    },
  ]);
}
