import { create } from '@bufbuild/protobuf';
import type { Outbox } from '@will/bus';
import { dataClassToWire, factsToWire, wire } from '@will/contracts';
import type { DecidedSet, Records } from '../ports.ts';

const mostRemembered = 10_000;

/** Records as events on their way to telemetry. A ranked set is told once; the decisions made of it name it. */
export function busRecords(outbox: Outbox): Records {
  const told = new Set<string>();
  const add = (kind: wire.Event['kind']): void => outbox.add(create(wire.EventSchema, { kind }));
  const tell = (decided: DecidedSet): void => {
    if (told.has(decided.setId)) return;
    if (told.size >= mostRemembered) told.clear();
    told.add(decided.setId);
    add({ case: 'rankedSet', value: setToWire(decided) });
  };
  return {
    decided(taskId, decisionId, decided, pick, nowMs) {
      tell(decided);
      const { client, taskType } = decided.set.facts;
      const value = create(wire.DecisionRecordSchema, {
        decisionId,
        taskId,
        setId: decided.setId,
        revision: BigInt(decided.set.revision),
        atUnixMs: BigInt(Math.round(nowMs)),
        order: [...pick.order],
        skipped: pick.skipped.map(({ model, reason }) => ({ model, reason })),
        client,
        taskType,
      });
      add({ case: 'decision', value });
    },
    intent(record, deadlineUnixMs) {
      const value = create(wire.AttemptIntentSchema, { record, deadlineUnixMs: BigInt(Math.round(deadlineUnixMs)) });
      add({ case: 'intent', value });
    },
    call: (record) => add({ case: 'call', value: record }),
  };
}

function setToWire({ setId, set }: DecidedSet): wire.RankedSet {
  return create(wire.RankedSetSchema, {
    setId,
    revision: BigInt(set.revision),
    dataClass: dataClassToWire(set.dataClass),
    facts: factsToWire(set.facts),
    candidates: set.candidates.map(({ model, why }) => ({ model, why })),
    exclusions: set.exclusions.map(({ model, rule, detail }) => ({ model, rule, detail })),
    notes: [...set.notes],
    scheduleEdgeUnixMs: BigInt(set.scheduleEdgeMs ?? 0),
    validUntilUnixMs: BigInt(Math.round(set.validUntilMs)),
    waitMs: set.waitMs,
  });
}
