import type { Loosening, Snapshot } from '@will/core';
import { decisionChanges, type DecisionChange } from './decision-changes.ts';
import { looserDecisions, type LooserDecision } from './looser-decisions.ts';
import type { DecidedFacts, LateDecisions } from './ports.ts';

/** A dry run is tried on what was decided in this time. */
const lateMs = 3_600_000;
/** So many changed decisions are told. */
const maxDecisionChanges = 50;

/** The effect of a change of documents on decisions like those of the last hour. */
export interface Impact {
  /** Decisions of the last hour for which a model is freed, and in words how many were looked at. */
  readonly looserDecisions: readonly LooserDecision[];
  readonly looserNote: string;
  /** Dry run: what would be decided otherwise, and in words how much was looked at. */
  readonly decisionChanges: readonly DecisionChange[];
  readonly decisionsNote: string;
}

/** The snapshot in force, and the one that would be. */
export interface SnapshotPair {
  /** Undefined: the documents in force do not fit together. */
  readonly before: Snapshot | undefined;
  readonly after: Snapshot;
}

/** Ports of the impact. */
export interface ImpactDeps {
  readonly lateDecisions: LateDecisions;
  readonly nowMs: () => number;
}

/** The effect of a change on late decisions. Never fails: an operator may change documents while telemetry is away. */
export async function impactOf(
  { lateDecisions, nowMs }: ImpactDeps,
  dryRun: boolean,
  snapshots: SnapshotPair | undefined,
  loosenings: readonly Loosening[],
): Promise<Partial<Impact>> {
  const isLooser = loosenings.length > 0;
  if (!snapshots || !(dryRun || isLooser)) return {};
  const { before, after } = snapshots;
  const note = (words: string) => ({
    ...(dryRun && { decisionsNote: words }),
    ...(isLooser && { looserNote: words }),
  });
  if (!before) return note('the documents in force do not fit together, so nothing is compared');
  try {
    const { recent, isPartial } = await lateDecisions.since(nowMs() - lateMs);
    const changes = dryRun ? decisionChanges(before, after, recent, nowMs()) : [];
    const looser = isLooser ? looserDecisions(before, after, recent, nowMs()) : [];
    return {
      decisionChanges: changes.slice(0, maxDecisionChanges),
      looserDecisions: looser.slice(0, maxDecisionChanges),
      ...(dryRun && { decisionsNote: impactInWords(recent, changes, isPartial, 'would change') }),
      ...(isLooser && { looserNote: impactInWords(recent, looser, isPartial, 'become looser') }),
    };
  } catch (error) {
    return note(`which decisions would change is not known: ${(error as Error).message}`);
  }
}

/** `3 of 12 kinds of task of the last hour (2,000 decisions) would change`. */
function impactInWords(
  recent: readonly DecidedFacts[],
  touched: readonly { readonly decisions: number }[],
  isPartial: boolean,
  what: string,
): string {
  if (recent.length === 0)
    return `nothing was decided in the last hour, so no decision can ${what.replace('would ', '')}`;
  const sum = (of: readonly { readonly decisions: number }[]): number =>
    of.reduce((n, { decisions }) => n + decisions, 0);
  const told = touched.length > maxDecisionChanges ? `; the ${maxDecisionChanges} decided most often are listed` : '';
  const looked = `${isPartial ? 'the newest ' : ''}${sum(recent)} decisions of the last hour`;
  return `${sum(touched)} of ${looked} (${touched.length} of ${recent.length} kinds of task) ${what}${told}`;
}
