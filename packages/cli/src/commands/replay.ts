import { Buffer } from 'node:buffer';
import type { Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import {
  type AnyDocument,
  compileSnapshot,
  type Decided,
  decisionDifferences,
  explainInWords,
  replay as decideAgain,
  type Snapshot,
} from '@will/core';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printable } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { findDecision } from './decision.ts';
import { setFromWire } from './explain.ts';

export interface ReplayOptions {
  readonly revision?: number;
  readonly json?: boolean;
}

/**
 * `willm replay`: makes a kept decision again, from the documents of its revision, its facts, instant, state and seed.
 * With another revision it says what that one would have chosen.
 */
export async function replay(terminal: Terminal, id: string, options: ReplayOptions): Promise<ExitCode> {
  const { recorded, again, revision } = await withBus(terminal, (bus) => replayed(bus, id, options.revision));
  const differences = decisionDifferences(recorded, again);
  const isOwn = revision === recorded.set.revision;
  if (options.json) printJson(terminal, { revision, identical: differences.length === 0, differences, ...again });
  else terminal.out(`${inWords(recorded, again, revision, differences).map(printable).join('\n')}\n`);
  return isOwn && differences.length > 0 ? exitCodes.failed : exitCodes.success;
}

async function replayed(
  bus: Bus,
  id: string,
  wanted: number | undefined,
): Promise<{ readonly recorded: Decided; readonly again: Decided; readonly revision: number }> {
  const { decision, set, error } = await findDecision(bus, id);
  if (!decision)
    throw new CliError(exitCodes.failed, error === '' ? `no decision is known of ${JSON.stringify(id)}` : error);
  if (!set) throw new CliError(exitCodes.failed, 'its ranked set is not stored, so it cannot be compared');
  const recorded: Decided = { set: setFromWire(set), pick: { order: decision.order, skipped: decision.skipped } };
  const revision = wanted ?? Number(decision.revision);
  const again = decideAgain(await snapshotAt(bus, revision), {
    facts: recorded.set.facts,
    atMs: Number(decision.atUnixMs),
    validUntilMs: Number(set.validUntilUnixMs),
    live: decision.live.map(({ model, unserved, coolingUntilUnixMs }) => ({
      model,
      unserved: unserved === '' ? undefined : unserved,
      coolingUntilMs: Number(coolingUntilUnixMs),
    })),
    seed: Number(decision.seed),
  });
  return { recorded, again, revision };
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

function inWords(recorded: Decided, again: Decided, revision: number, differences: readonly string[]): string[] {
  const isOwn = revision === recorded.set.revision;
  if (differences.length === 0)
    return [isOwn ? `identical, revision ${revision}` : `revision ${revision} would have chosen the same`];
  const title = isOwn
    ? `NOT identical, revision ${revision}`
    : `revision ${revision} would have chosen otherwise than ${recorded.set.revision}`;
  return [title, ...differences, '', ...explainInWords(again.set)];
}
