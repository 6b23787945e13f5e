import { status } from '@grpc/grpc-js';
import { type wire } from '@will/contracts';
import { slugOf } from '@will/core';
import type { Surroundings } from '../ports.ts';
import { GrpcError } from './grpc-error.ts';
import type { Methods } from './serve-methods.ts';

/** `will.v1.DurableTaskService`: the operations of the bus, and nothing of its own. */
export function durableService(surroundings: Surroundings): Methods<typeof wire.DurableTaskService> {
  const asked =
    <Request, Answer extends { readonly failure?: wire.Failure | undefined }>(
      ask: (questions: NonNullable<Surroundings['questions']>) => (client: string, request: Request) => Promise<Answer>,
    ) =>
    async ({ client, request }: { readonly client: string; readonly request?: Request | undefined }) => {
      const { questions } = surroundings;
      if (!questions) throw new GrpcError(status.UNAVAILABLE, 'the bus is away');
      if (!request) throw new GrpcError(status.INVALID_ARGUMENT, 'request is missing');
      return { response: await ask(questions)(client === '' ? 'default' : slugOf(client), request) };
    };
  return {
    submitTask: asked((questions) => questions.durable.submit),
    getDurableTask: asked((questions) => questions.durable.get),
    cancelDurableTask: asked((questions) => questions.durable.cancel),
    listDurableTasks: asked((questions) => questions.durable.list),
    requeueDurableTask: asked((questions) => questions.durable.requeue),
  };
}
