import { status } from '@grpc/grpc-js';
import type { wire } from '@will/contracts';
import type { Queries, Backends } from '../../ports.ts';
import { clientIn } from './call-attributes.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcCall, Methods } from './serve-methods.ts';

const asked = (backends: Backends): Queries => {
  if (backends.queries) return backends.queries;
  throw new GrpcError(status.UNAVAILABLE, 'NATS is not connected');
};

/** A service's own refusal is the caller's mistake; the answer passes otherwise as it is. */
function orRefused<T extends { readonly error: string }>(answer: T): T {
  if (answer.error !== '') throw new GrpcError(status.INVALID_ARGUMENT, answer.error);
  return answer;
}

const ofClient = <T extends { readonly client: string }>(request: T, call: GrpcCall): T => ({
  ...request,
  client: clientIn(request.client, call.attributes()),
});

/** `will.v1.RegistryService`. */
export const registryService = (backends: Backends): Methods<typeof wire.RegistryService> => ({
  get: async (request) => orRefused(await asked(backends).documents(request)),
  status: async () => orRefused(await asked(backends).registryStatus()),
});

/** `will.v1.TelemetryService`. */
export const telemetryService = (backends: Backends): Methods<typeof wire.TelemetryService> => ({
  queryCalls: async (request, call) => orRefused(await asked(backends).calls(ofClient(request, call))),
  queryUsage: async (request, call) => orRefused(await asked(backends).usage(ofClient(request, call))),
  feedback: async (request, call) => orRefused(await asked(backends).feedback(ofClient(request, call))),
  getDecision: async (request) => {
    const answer = await asked(backends).decision(request);
    if (answer.error !== '' || !answer.decision)
      throw new GrpcError(status.NOT_FOUND, answer.error || 'no such decision');
    return answer;
  },
});
