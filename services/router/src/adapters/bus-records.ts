import type { Outbox } from '@will/bus';
import { liveEntriesOf } from '@will/core';
import { decisionToWire, rankedSetToWire, stateDigestOf, type wire } from '@will/contracts';
import type { DecidedSet, RouterRecords } from '../ports.ts';

const maxRemembered = 10_000;

/** Records as events on their way to telemetry. A ranked set is told once; the decisions made of it name it. */
export function busRecords(outbox: Pick<Outbox, 'add'>): RouterRecords {
  const toldSets = new Set<string>();
  const add = (kind: wire.Event['kind']): void => outbox.add({ $typeName: 'will.v1.Event', kind });
  const tell = (decided: DecidedSet): void => {
    if (toldSets.has(decided.setId)) return;
    if (toldSets.size >= maxRemembered) toldSets.clear();
    toldSets.add(decided.setId);
    add({ case: 'rankedSet', value: rankedSetToWire(decided) });
  };
  return {
    decided(
      taskId,
      decisionId,
      decided,
      { selection, live, seed, atMs, session },
      { ignoredFields = [], notices = [] } = {},
    ) {
      tell(decided);
      const { revision, facts, decidedAtMs } = decided.set;
      const entries = liveEntriesOf(decided.set, live);
      const value = decisionToWire({
        decisionId,
        taskId,
        setId: decided.setId,
        revision,
        atMs,
        order: selection.order,
        skipped: selection.skipped,
        seed: BigInt(seed),
        client: facts.client,
        taskType: facts.taskType,
        live: entries,
        stateDigest: stateDigestOf(entries),
        setDecidedAtMs: decidedAtMs,
        session,
        ignoredFields,
        notices,
      });
      add({ case: 'decision', value });
    },
    intent(record, deadlineUnixMs) {
      const deadline = BigInt(Math.round(deadlineUnixMs));
      add({ case: 'intent', value: { $typeName: 'will.v1.AttemptIntent', record, deadlineUnixMs: deadline } });
    },
    call: (record) => add({ case: 'call', value: record }),
  };
}
