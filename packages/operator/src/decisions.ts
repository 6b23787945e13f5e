import type { Bus } from '@will/bus';
import { type Replayed, replayKept, subjects, wire } from '@will/contracts';
import { computedAtMs, whatWouldChange } from '@will/core';
import { ask, OperatorError } from './ask.ts';
import { snapshotAt } from './documents.ts';

/** A kept decision with its ranked set, by its own id or its task's. @throws {OperatorError} */
export async function findDecision(bus: Bus, id: string): Promise<wire.GetDecisionResponse> {
  const asked = (question: { decisionId: string } | { taskId: string }) =>
    ask(bus, subjects.telemetry('decision'), [wire.GetDecisionRequestSchema, question], wire.GetDecisionResponseSchema);
  const byId = await asked({ decisionId: id });
  return byId.decision ? byId : asked({ taskId: id });
}

/** A decision that was made again. */
export interface MadeAgain extends Replayed {
  readonly revision: number;
  /** It is the revision that the decision was made on. */
  readonly isOwn: boolean;
  /** Single changes that would let in the first model that was asked for and left out, in words. */
  readonly wouldChange: readonly string[];
}

/** Makes a kept decision again, from the documents of its own revision or of another one. @throws {OperatorError} */
export async function makeAgain(bus: Bus, id: string, wanted: number | undefined): Promise<MadeAgain> {
  const { decision, set, error } = await findDecision(bus, id);
  if (!decision)
    throw new OperatorError('refused', error === '' ? `no decision is known of ${JSON.stringify(id)}` : error);
  if (!set) throw new OperatorError('refused', 'its ranked set is not stored, so it cannot be compared');
  const own = Number(decision.revision);
  const revision = wanted ?? own;
  const snapshot = await snapshotAt(bus, revision);
  const replayed = replayKept(snapshot, decision, set);
  const wouldChange = whatWouldChange(snapshot, replayed.inputs.facts, computedAtMs(replayed.inputs));
  return { ...replayed, revision, isOwn: revision === own, wouldChange };
}
