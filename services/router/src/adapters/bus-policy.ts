import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BusError, type Bus } from '@will/bus';
import type { CandidateReason, ExclusionRule, Facts, RankedSet } from '@will/core';
import { dataClassFromWire, factsToWire, subjects, wire } from '@will/contracts';
import { PolicyError, type DecidedSet, type Policy } from '../ports.ts';

/** Asks the policy service over the bus. */
export function busPolicy(bus: Bus, timeoutMs: number): Policy {
  return {
    async decide(facts) {
      const request = create(wire.DecideRequestSchema, { facts: factsToWire(facts) });
      const answer = fromBinary(
        wire.DecideResponseSchema,
        await ask(bus, toBinary(wire.DecideRequestSchema, request), timeoutMs),
      );
      if (answer.error !== '') throw new PolicyError(answer.retryable ? 'unavailable' : 'refused', answer.error);
      if (!answer.set) throw new PolicyError('refused', 'policy answered without a set');
      return fromWire(answer.set, facts);
    },
  };
}

async function ask(bus: Bus, request: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  try {
    return await bus.request(subjects.policyDecide, request, timeoutMs);
  } catch (cause) {
    const message = cause instanceof BusError ? `policy did not answer (${cause.code})` : 'policy did not answer';
    throw new PolicyError('unavailable', message, { cause });
  }
}

function fromWire(set: wire.RankedSet, facts: Facts): DecidedSet {
  const ranked: RankedSet = {
    revision: Number(set.revision),
    facts,
    dataClass: dataClassFromWire(set.dataClass) ?? 'customer-sensitive',
    candidates: set.candidates.map(({ model, why }) => ({ model, why: why as CandidateReason })),
    exclusions: set.exclusions.map(({ model, rule, detail }) => ({ model, rule: rule as ExclusionRule, detail })),
    notes: set.notes,
    scheduleEdgeMs: set.scheduleEdgeUnixMs === 0n ? undefined : Number(set.scheduleEdgeUnixMs),
    validUntilMs: Number(set.validUntilUnixMs),
    waitMs: set.waitMs,
  };
  return { setId: set.setId, set: ranked };
}
