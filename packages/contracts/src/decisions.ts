import { createHash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import {
  type Candidate,
  type CandidateReason,
  type Decided,
  decisionDifferences,
  type DecisionInputs,
  type DecisionRecord,
  type Exclusion,
  type ExclusionRule,
  type LiveEntry,
  type NamedSet,
  type RankedSet,
  type RankingRecord,
  replay,
  type SessionBasis,
  type Snapshot,
  strictestDataClass,
} from '@will/core';
import { create } from './binary.ts';
import * as wire from './messages.ts';
import { dataClassFromWire, dataClassToWire, factsFromWire, factsToWire } from './translate.ts';

/** The digest that a ranked set is named by: equal answers have equal ids, whenever they were checked and however long they hold. */
export function rankedSetId(set: RankedSet): string {
  const message = rankedSetToWire({ setId: '', set: { ...set, validUntilMs: 0, decidedAtMs: 0 } });
  return createHash('sha256').update(toBinary(wire.RankedSetSchema, message)).digest('base64url');
}

/** Writes a ranked set. */
export const rankedSetToWire = ({ setId, set }: NamedSet): wire.RankedSet =>
  create(wire.RankedSetSchema, {
    setId,
    revision: BigInt(set.revision),
    dataClass: dataClassToWire(set.dataClass),
    facts: factsToWire(set.facts),
    candidates: set.candidates.map(candidateToWire),
    exclusions: set.exclusions.map(exclusionToWire),
    notes: [...set.notes],
    scheduleEdgeUnixMs: BigInt(set.scheduleEdgeMs ?? 0),
    validUntilUnixMs: BigInt(Math.floor(set.validUntilMs)),
    waitMs: set.waitMs,
    decidedUnixMs: BigInt(set.decidedAtMs),
    ...(set.ranking && { ranking: rankingToWire(set.ranking) }),
    ...(set.rejection && { rejection: exclusionToWire(set.rejection) }),
  });

const exclusionToWire = ({ model, rule, detail }: Exclusion) => ({ model, rule, detail });
const exclusionFromWire = ({ model, rule, detail }: wire.Exclusion): Exclusion => ({
  model,
  rule: rule as ExclusionRule,
  detail,
});

const candidateToWire = ({ model, why, firstContent }: Candidate) => ({
  model,
  why,
  slowFirstContentMs: firstContent?.slowMs ?? 0,
  firstContentTimeoutMs: firstContent?.timeoutMs ?? 0,
});

/** Reads a candidate. */
export const candidateFromWire = (candidate: wire.Candidate): Candidate => ({
  model: candidate.model,
  why: candidate.why as CandidateReason,
  ...(candidate.firstContentTimeoutMs > 0 && {
    firstContent: { slowMs: candidate.slowFirstContentMs, timeoutMs: candidate.firstContentTimeoutMs },
  }),
});

const rankingToWire = ({ mode, goal, incumbent, autoChoice, models }: RankingRecord) => ({
  mode,
  goal,
  incumbent: incumbent ?? '',
  autoChoice: autoChoice ?? '',
  models: models.map(({ costNanoUsd, ...known }) => ({ ...known, ...(costNanoUsd !== undefined && { costNanoUsd }) })),
});

/** Modes and goals that a newer policy has come through as they are. */
export const rankingFromWire = ({ mode, goal, incumbent, autoChoice, models }: wire.GoalRanking): RankingRecord => ({
  mode: mode as RankingRecord['mode'],
  goal: goal as RankingRecord['goal'],
  incumbent: incumbent === '' ? undefined : incumbent,
  autoChoice: autoChoice === '' ? undefined : autoChoice,
  models: models.map(({ model, success, expectedMs, costNanoUsd, quality, utility }) => ({
    model,
    success,
    expectedMs,
    costNanoUsd,
    quality,
    utility,
  })),
});

/** Reasons and rules that a newer policy has come through as they are; a data class that nobody stated is the strictest. */
export function rankedSetFromWire(set: wire.RankedSet): RankedSet {
  const edgeMs = Number(set.scheduleEdgeUnixMs);
  return {
    revision: Number(set.revision),
    facts: factsFromWire(set.facts ?? create(wire.FactsSchema)),
    dataClass: dataClassFromWire(set.dataClass) ?? strictestDataClass,
    candidates: set.candidates.map(candidateFromWire),
    exclusions: set.exclusions.map(exclusionFromWire),
    notes: set.notes,
    scheduleEdgeMs: edgeMs === 0 ? undefined : edgeMs,
    validUntilMs: Number(set.validUntilUnixMs),
    decidedAtMs: Number(set.decidedUnixMs),
    waitMs: set.waitMs,
    ...(set.ranking && { ranking: rankingFromWire(set.ranking) }),
    ...(set.rejection && { rejection: exclusionFromWire(set.rejection) }),
  };
}

/** Made once per task: a literal costs a tenth of what `create` does. */
export const decisionToWire = (decision: DecisionRecord): wire.DecisionRecord => ({
  $typeName: 'will.v1.DecisionRecord',
  decisionId: decision.decisionId,
  taskId: decision.taskId,
  setId: decision.setId,
  revision: BigInt(decision.revision),
  atUnixMs: BigInt(decision.atMs),
  order: [...decision.order],
  skipped: decision.skipped.map(({ model, reason }) => ({ $typeName: 'will.v1.Skipped', model, reason })),
  seed: decision.seed,
  client: decision.client,
  taskType: decision.taskType,
  // Records of before these were kept have none.
  live: (decision.live ?? []).map(liveEntryToWire),
  stateDigest: decision.stateDigest ?? '',
  setDecidedUnixMs: BigInt(decision.setDecidedAtMs ?? 0),
  ignoredFields: [...(decision.ignoredFields ?? [])],
  notices: [...(decision.notices ?? [])],
  session: decision.session && sessionToWire(decision.session),
});

const sessionToWire = ({ lastModel, costs }: SessionBasis): wire.SessionBasis => ({
  $typeName: 'will.v1.SessionBasis',
  lastModel: lastModel ?? '',
  costs: costs.map(({ model, heldTokens, costNanoUsd, meanNanoUsd }) => ({
    $typeName: 'will.v1.SessionCost',
    model,
    heldTokens,
    ...(costNanoUsd !== undefined && { costNanoUsd: BigInt(costNanoUsd) }),
    ...(meanNanoUsd !== undefined && { meanNanoUsd: BigInt(meanNanoUsd) }),
  })),
});

/** Reads the conversation that a selection was made with. */
export const sessionFromWire = ({ lastModel, costs }: wire.SessionBasis): SessionBasis => ({
  lastModel: lastModel === '' ? undefined : lastModel,
  costs: costs.map(({ model, heldTokens, costNanoUsd, meanNanoUsd }) => ({
    model,
    heldTokens,
    costNanoUsd: costNanoUsd === undefined ? undefined : Number(costNanoUsd),
    meanNanoUsd: meanNanoUsd === undefined ? undefined : Number(meanNanoUsd),
  })),
});

const liveEntryToWire = ({ model, unserved, coolingUntilMs }: LiveEntry): wire.LiveEntry => ({
  $typeName: 'will.v1.LiveEntry',
  model,
  unserved: unserved ?? '',
  coolingUntilUnixMs: BigInt(coolingUntilMs),
});

/** Digest of what was known of a set's candidates. Most often nothing is, and that has one digest. */
export function stateDigestOf(entries: readonly LiveEntry[]): string {
  if (entries.length === 0) return 'empty';
  const lines = entries.map(({ model, unserved, coolingUntilMs }) => `${model}\t${unserved ?? ''}\t${coolingUntilMs}`);
  return createHash('sha256').update(lines.join('\n')).digest('base64url').slice(0, 22);
}

/** A kept decision beside the one that the same inputs give now. */
export interface Replayed {
  readonly recorded: Decided;
  readonly again: Decided;
  readonly inputs: DecisionInputs;
  /** In words; none: the same to the last bit, digests included where the revision is the same. */
  readonly differences: readonly string[];
}

/** Makes a kept decision again with the documents of its own revision, or of another one. */
export function replayKept(snapshot: Snapshot, decision: wire.DecisionRecord, keptSet: wire.RankedSet): Replayed {
  const set = rankedSetFromWire(keptSet);
  const recorded: Decided = {
    set,
    selection: {
      order: decision.order,
      skipped: decision.skipped.map(({ model, reason }) => ({ model, reason })),
    },
  };
  const inputs = inputsOf(decision, set);
  const again = replay(snapshot, inputs);
  const digests = snapshot.revision === set.revision ? digestDifferences(decision, inputs, again) : [];
  return { recorded, again, inputs, differences: [...decisionDifferences(recorded, again), ...digests] };
}

const inputsOf = (
  decision: wire.DecisionRecord,
  { facts, validUntilMs, ranking, candidates, notes }: RankedSet,
): DecisionInputs => ({
  facts,
  setDecidedAtMs: Number(decision.setDecidedUnixMs),
  validUntilMs,
  atMs: Number(decision.atUnixMs),
  live: decision.live.map(({ model, unserved, coolingUntilUnixMs }) => ({
    model,
    unserved: unserved === '' ? undefined : unserved,
    coolingUntilMs: Number(coolingUntilUnixMs),
  })),
  seed: Number(decision.seed),
  session: decision.session && sessionFromWire(decision.session),
  ranking,
  candidates,
  notes,
});

function digestDifferences(decision: wire.DecisionRecord, { live }: DecisionInputs, { set }: Decided): string[] {
  const [setId, stateDigest] = [rankedSetId(set), stateDigestOf(live)];
  return [
    ...(setId === decision.setId ? [] : [`digest of the ranked set: ${decision.setId} → ${setId}`]),
    // A record of before the state was kept has no digest.
    ...(decision.stateDigest === '' || stateDigest === decision.stateDigest
      ? []
      : [`digest of the state: ${decision.stateDigest} → ${stateDigest}`]),
  ];
}
