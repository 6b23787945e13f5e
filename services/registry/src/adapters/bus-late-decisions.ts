import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BusError, type Bus } from '@will/bus';
import { create, factsFromWire, subjects, wire } from '@will/contracts';
import type { LateDecisions } from '../ports.ts';

/** A dry run waits so long for telemetry. */
const timeoutMs = 3_000;

/** Asks telemetry for late decisions. */
export const busLateDecisions = (bus: Bus): LateDecisions => ({
  async since(atMs) {
    const question = create(wire.RecentFactsRequestSchema, { sinceUnixMs: BigInt(Math.max(1, atMs)) });
    const { recent, isPartial, error } = await ask(bus, toBinary(wire.RecentFactsRequestSchema, question));
    if (error !== '') throw new Error(`telemetry says: ${error}`);
    return {
      isPartial,
      recent: recent.flatMap(({ facts, decisions }) => (facts ? [{ facts: factsFromWire(facts), decisions }] : [])),
    };
  },
});

async function ask(bus: Bus, question: Uint8Array): Promise<wire.RecentFactsResponse> {
  try {
    return fromBinary(
      wire.RecentFactsResponseSchema,
      await bus.request(subjects.telemetry('recent'), question, timeoutMs),
    );
  } catch (cause) {
    if (!(cause instanceof BusError)) throw cause;
    throw new Error(cause.code === 'no_responders' ? 'no telemetry runs' : cause.message, { cause });
  }
}
