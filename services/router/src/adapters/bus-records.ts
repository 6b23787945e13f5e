import { createHash } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Outbox } from '@will/bus';
import type { LiveState, RankedSet } from '@will/core';
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
    decided(taskId, decisionId, decided, { pick, live, seed, atMs }) {
      tell(decided);
      const { client, taskType } = decided.set.facts;
      const entries = entriesOf(decided.set, live);
      const value = create(wire.DecisionRecordSchema, {
        decisionId,
        taskId,
        setId: decided.setId,
        revision: BigInt(decided.set.revision),
        atUnixMs: BigInt(atMs),
        seed: BigInt(seed),
        live: entries,
        stateDigest: digestOf(entries),
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

type Entry = MessageInitShape<typeof wire.LiveEntrySchema>;

/** What was known of the set's own candidates; the rest of the state had no say. */
function entriesOf({ candidates }: RankedSet, { unserved, coolingUntilMs }: LiveState): Entry[] {
  const entries: Entry[] = [];
  for (const { model } of candidates) {
    const [reason, untilMs] = [unserved.get(model), coolingUntilMs.get(model) ?? 0];
    if (reason !== undefined || untilMs > 0)
      entries.push({ model, unserved: reason ?? '', coolingUntilUnixMs: BigInt(untilMs) });
  }
  return entries;
}

/** Most often nothing stands out, and that has one digest. */
function digestOf(entries: readonly Entry[]): string {
  if (entries.length === 0) return 'empty';
  const lines = entries.map(
    ({ model, unserved, coolingUntilUnixMs }) => `${model}\t${unserved}\t${coolingUntilUnixMs}`,
  );
  return createHash('sha256').update(lines.join('\n')).digest('base64url').slice(0, 22);
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
