import { rankedSetFromWire, sessionFromWire, type wire } from '@will/contracts';
import { explainInWords, sessionInWords } from '@will/core';
import { findDecision } from '@will/operator';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { localTime } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';
import { setAsJson } from './explain.ts';

/** `willm decision`: why a task went where it went. Takes the id of a decision or of a task. */
export async function decision(
  terminal: Terminal,
  id: string,
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const { decision: found, set, error } = await withBus(terminal, (bus) => findDecision(bus, id));
  if (!found)
    throw new CliError(exitCodes.failed, error === '' ? `no decision is known of ${JSON.stringify(id)}` : error);
  if (options.json) printJson(terminal, { decision: found, set: set ? setAsJson(set) : null });
  else terminal.out(`${inWords(found, set).join('\n')}\n`);
  return exitCodes.success;
}

function inWords(found: wire.DecisionRecord, set: wire.RankedSet | undefined): readonly string[] {
  return [
    `decision ${found.decisionId} of task ${found.taskId} at ${localTime(Number(found.atUnixMs))}`,
    `to be tried in this order: ${found.order.length > 0 ? found.order.join(', ') : 'none'}`,
    ...found.skipped.map(({ model, reason }) => `skipped ${model}: ${reason}`),
    ...(found.session ? sessionInWords(sessionFromWire(found.session), found) : []),
    ...found.notices.map((notice) => `notice: ${notice}`),
    ...(found.ignoredFields.length > 0 ? [`fields of the request left out: ${found.ignoredFields.join(', ')}`] : []),
    '',
    ...(set
      ? explainInWords(rankedSetFromWire(set))
      : [`${found.taskType} for client ${found.client}, revision ${found.revision}; its ranked set is not stored`]),
  ];
}
