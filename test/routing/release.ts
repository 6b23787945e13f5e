import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Goal } from '@will/core';
import { checkoutOf } from '../support/checkout.ts';
import type { Chooser, MakeChooser } from './choosers.ts';
import type { Script } from './world.ts';

/** The simulated product of an earlier commit: its own decisions, statistics and circuits. */
interface EarlierChooser extends Omit<Chooser, 'wantsHealthCheck' | 'checked' | 'score'> {
  wantsLook(place: string, atMs: number): boolean;
  looked(place: string, healthy: boolean, atMs: number): void;
  judged(place: string, score: number, atMs: number): void;
}
interface EarlierModule {
  readonly choosers: Readonly<Record<string, ((script: Script, goal: Goal) => EarlierChooser | Chooser) | undefined>>;
}

/** What `will auto, with health checks` was called. */
const names = ['will auto, with health checks', 'will auto, with looks'];

/**
 * Auto-switching as the commit had it. It knows the six described places only, so it has no say in families with other
 * ones. @throws {Error} the commit has no simulation, or cannot be installed.
 */
export async function releaseOf(commit: string): Promise<MakeChooser> {
  const file = pathToFileURL(join(checkoutOf(commit), 'test/routing/choosers.ts')).href;
  const { choosers } = (await import(file)) as EarlierModule;
  const make = names.map((name) => choosers[name]).find((found) => found !== undefined);
  if (!make) throw new Error(`${commit} has none of the choosers ${names.join(', ')}`);
  return (script, goal) => {
    const chooser = make(script, goal);
    return 'looked' in chooser ? inTodaysWords(chooser) : chooser;
  };
}

const inTodaysWords = (earlier: EarlierChooser): Chooser => ({
  order: (atMs, inputTokens, n) => earlier.order(atMs, inputTokens, n),
  maySend: (place, atMs) => earlier.maySend(place, atMs),
  timeoutMs: (place, inputTokens, anotherFollows) => earlier.timeoutMs(place, inputTokens, anotherFollows),
  sent: (place, id, atMs, timeoutMs) => earlier.sent(place, id, atMs, timeoutMs),
  heard: (place, id, atMs) => earlier.heard(place, id, atMs),
  ended: (record) => earlier.ended(record),
  wantsHealthCheck: (place, atMs) => earlier.wantsLook(place, atMs),
  checked: (place, healthy, atMs) => earlier.looked(place, healthy, atMs),
  score: (place, score, atMs) => earlier.judged(place, score, atMs),
});
