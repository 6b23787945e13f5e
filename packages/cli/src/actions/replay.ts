import { explainInWords } from '@will/core';
import { type MadeAgain, makeAgain } from '@will/operator';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';

export interface ReplayOptions {
  readonly revision?: number;
  readonly json?: boolean;
}

/**
 * `willm replay`: makes a kept decision again, from the documents of its revision, its facts, instant, state and seed.
 * With another revision it says what that one would have chosen.
 */
export async function replay(terminal: Terminal, id: string, options: ReplayOptions): Promise<ExitCode> {
  const replayed = await withBus(terminal, (bus) => makeAgain(bus, id, options.revision));
  const { revision, isOwn, differences, again, wouldChange } = replayed;
  const identical = differences.length === 0;
  if (options.json) printJson(terminal, { revision, identical, differences, ...again, wouldChange });
  else terminal.out(`${inWords(replayed).join('\n')}\n`);
  return isOwn && !identical ? exitCodes.failed : exitCodes.success;
}

function inWords({ recorded, again, revision, isOwn, differences, wouldChange }: MadeAgain): readonly string[] {
  const passedOver = again.selection.skipped.map(({ model, reason }) => `skipped ${model}: ${reason}`);
  if (differences.length === 0) {
    const title = isOwn ? `identical, revision ${revision}` : `revision ${revision} would have chosen the same`;
    const order = `tried in this order: ${again.selection.order.join(', ') || 'none'}`;
    return [title, order, ...passedOver, ...wouldChange];
  }
  const title = isOwn
    ? `NOT identical, revision ${revision}`
    : `revision ${revision} would have chosen otherwise than ${recorded.set.revision}`;
  return [title, ...differences, ...passedOver, '', ...explainInWords(again.set), ...wouldChange];
}
