import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BusError, type Bus } from '@will/bus';
import { factsToWire, rankedSetFromWire, subjects, wire } from '@will/contracts';
import { PolicyError, type Policy } from '../ports.ts';

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
      return { setId: answer.set.setId, set: { ...rankedSetFromWire(answer.set), facts } };
    },
  };
}

/** One that does not answer may be one of several that stands still: the second question goes to another, more likely than not. */
const mostQuestions = 3;

async function ask(bus: Bus, request: Uint8Array, timeoutMs: number, questions = 1): Promise<Uint8Array> {
  try {
    return await bus.request(subjects.policyDecide, request, timeoutMs);
  } catch (cause) {
    if (cause instanceof BusError && cause.code === 'timeout' && questions < mostQuestions)
      return ask(bus, request, timeoutMs, questions + 1);
    const message = cause instanceof BusError ? `policy did not answer (${cause.code})` : 'policy did not answer';
    throw new PolicyError('unavailable', message, { cause });
  }
}
