import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BusError, type Bus } from '@will/bus';
import { create, factsToWire, rankedSetFromWire, subjects, wire } from '@will/contracts';
import { PolicyError, type PolicyClient } from '../ports.ts';

/** Asks the policy service over the bus. @param firstTimeoutMs of the first question; each further one waits twice as long. */
export function busPolicy(bus: Bus, firstTimeoutMs: number): PolicyClient {
  return {
    async decide(facts, answerWithinMs) {
      const request = create(wire.DecideRequestSchema, { facts: factsToWire(facts) });
      const data = toBinary(wire.DecideRequestSchema, request);
      const answer = fromBinary(wire.DecideResponseSchema, await ask(bus, data, firstTimeoutMs, answerWithinMs));
      if (answer.error !== '') throw new PolicyError(answer.retryable ? 'unavailable' : 'refused', answer.error);
      if (!answer.set) throw new PolicyError('refused', 'policy answered without a set');
      return { setId: answer.set.setId, set: { ...rankedSetFromWire(answer.set), facts } };
    },
  };
}

/** One that does not answer may be one of several that stands still: the second question goes to another, more likely than not. */
async function ask(bus: Bus, request: Uint8Array, timeoutMs: number, answerWithinMs: number): Promise<Uint8Array> {
  const withinMs = Math.min(timeoutMs, answerWithinMs);
  try {
    return await bus.request(subjects.policyDecide, request, withinMs);
  } catch (cause) {
    if (cause instanceof BusError && cause.code === 'timeout' && answerWithinMs > withinMs)
      return ask(bus, request, 2 * timeoutMs, answerWithinMs - withinMs);
    const message = cause instanceof BusError ? `policy did not answer (${cause.code})` : 'policy did not answer';
    throw new PolicyError('unavailable', message, { cause });
  }
}
