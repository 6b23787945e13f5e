import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { RankedSet } from '@will/core';
import { dataClassToWire, factsToWire, wire } from '@will/contracts';

/** A ranked set as it goes over the bus, under its digest: equal answers have equal ids, however long they hold. */
export function rankedSetMessage(set: RankedSet): wire.RankedSet {
  const message = create(wire.RankedSetSchema, {
    revision: BigInt(set.revision),
    dataClass: dataClassToWire(set.dataClass),
    facts: factsToWire(set.facts),
    candidates: set.candidates.map(({ model, why }) => ({ model, why })),
    exclusions: set.exclusions.map(({ model, rule, detail }) => ({ model, rule, detail })),
    notes: [...set.notes],
    scheduleEdgeUnixMs: BigInt(set.scheduleEdgeMs ?? 0),
    waitMs: set.waitMs,
  });
  const digest = createHash('sha256').update(toBinary(wire.RankedSetSchema, message)).digest('base64url');
  return { ...message, setId: digest, validUntilUnixMs: BigInt(Math.floor(set.validUntilMs)) };
}
