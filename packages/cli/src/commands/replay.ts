import { Buffer } from 'node:buffer';
import type { Bus } from '@will/bus';
import { type Replayed, replayKept, subjects, wire } from '@will/contracts';
import {
  type AnyDocument,
  compileSnapshot,
  explainInWords,
  judgedAtMs,
  type Snapshot,
  whatWouldChange,
} from '@will/core';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { findDecision } from './decision.ts';

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

interface MadeAgain extends Replayed {
  readonly revision: number;
  /** It is the revision that the decision was made on. */
  readonly isOwn: boolean;
  readonly wouldChange: readonly string[];
}

async function makeAgain(bus: Bus, id: string, wanted: number | undefined): Promise<MadeAgain> {
  const { decision, set, error } = await findDecision(bus, id);
  if (!decision)
    throw new CliError(exitCodes.failed, error === '' ? `no decision is known of ${JSON.stringify(id)}` : error);
  if (!set) throw new CliError(exitCodes.failed, 'its ranked set is not stored, so it cannot be compared');
  const own = Number(decision.revision);
  const revision = wanted ?? own;
  const snapshot = await snapshotAt(bus, revision);
  const replayed = replayKept(snapshot, decision, set);
  const wouldChange = whatWouldChange(snapshot, replayed.inputs.facts, judgedAtMs(replayed.inputs));
  return { ...replayed, revision, isOwn: revision === own, wouldChange };
}

/** The documents of a revision, compiled as every service compiles them. @throws {CliError} */
async function snapshotAt(bus: Bus, revision: number): Promise<Snapshot> {
  const documents: AnyDocument[] = [];
  let after = '';
  do {
    const question = { revision: BigInt(revision), after };
    const answer = await ask(bus, subjects.registry('get'), [wire.GetRequestSchema, question], wire.GetResponseSchema);
    if (answer.error !== '') throw new CliError(exitCodes.failed, answer.error);
    for (const { kind, json } of answer.documents)
      documents.push({ kind, body: JSON.parse(Buffer.from(json).toString('utf8')) as unknown } as AnyDocument);
    after = answer.next;
  } while (after !== '');
  const compiled = compileSnapshot(revision, documents);
  if ('problems' in compiled)
    throw new CliError(exitCodes.failed, `the documents of revision ${revision} do not fit together here`);
  return compiled.snapshot;
}

function inWords({ recorded, again, revision, isOwn, differences, wouldChange }: MadeAgain): readonly string[] {
  const passedOver = again.pick.skipped.map(({ model, reason }) => `passed over ${model}: ${reason}`);
  if (differences.length === 0) {
    const title = isOwn ? `identical, revision ${revision}` : `revision ${revision} would have chosen the same`;
    const order = `tried in this order: ${again.pick.order.join(', ') || 'none'}`;
    return [title, order, ...passedOver, ...wouldChange];
  }
  const title = isOwn
    ? `NOT identical, revision ${revision}`
    : `revision ${revision} would have chosen otherwise than ${recorded.set.revision}`;
  return [title, ...differences, ...passedOver, '', ...explainInWords(again.set), ...wouldChange];
}
