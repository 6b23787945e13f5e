import { status } from '@grpc/grpc-js';
import type { wire } from '@will/contracts';
import type { Questions, Surroundings } from '../ports.ts';
import { clientIn } from './call-attributes.ts';
import { GrpcError } from './grpc-error.ts';
import type { Call, Methods } from './serve-methods.ts';

const asked = (surroundings: Surroundings): Questions => {
  if (surroundings.questions) return surroundings.questions;
  throw new GrpcError(status.UNAVAILABLE, 'the bus is away');
};

/** A service's own refusal is the caller's mistake; the answer passes otherwise as it is. */
function orRefused<T extends { readonly error: string }>(answer: T): T {
  if (answer.error !== '') throw new GrpcError(status.INVALID_ARGUMENT, answer.error);
  return answer;
}

const ofClient = <T extends { readonly client: string }>(request: T, call: Call): T => ({
  ...request,
  client: clientIn(request.client, call.attributes()),
});

/** `will.v1.RegistryService`. */
export const registryService = (surroundings: Surroundings): Methods<typeof wire.RegistryService> => ({
  get: async (request) => orRefused(await asked(surroundings).documents(request)),
  status: async () => orRefused(await asked(surroundings).registryStatus()),
});

/** `will.v1.TelemetryService`. */
export const telemetryService = (surroundings: Surroundings): Methods<typeof wire.TelemetryService> => ({
  queryCalls: async (request, call) => orRefused(await asked(surroundings).calls(ofClient(request, call))),
  queryUsage: async (request, call) => orRefused(await asked(surroundings).usage(ofClient(request, call))),
  feedback: async (request, call) => orRefused(await asked(surroundings).feedback(ofClient(request, call))),
  getDecision: async (request) => {
    const answer = await asked(surroundings).decision(request);
    if (answer.error !== '' || !answer.decision)
      throw new GrpcError(status.NOT_FOUND, answer.error || 'no such decision');
    return answer;
  },
});
