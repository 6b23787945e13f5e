import { status } from '@grpc/grpc-js';
import { taskWithAttributes, type wire } from '@will/contracts';
import { GuardError } from '../../auth/keys/guard.ts';
import type { Backends } from '../../ports.ts';
import type { UnderWay } from '../../admission/under-way.ts';
import { clientIn, understood } from './call-attributes.ts';
import { GrpcError } from './grpc-error.ts';
import { type GrpcCall, type Methods, whenLeft } from './serve-methods.ts';

/** How soon a change of state is told; an end is told at once. */
const pollIntervalMs = 1_000;

/** `will.v1.DurableTaskService`: the operations of the bus, and nothing of its own. */
export function durableService(backends: Backends, underWay: UnderWay): Methods<typeof wire.DurableTaskService> {
  const asked =
    <Request, Answer extends { readonly failure?: wire.Failure | undefined }>(
      ask: (queries: NonNullable<Backends['queries']>) => (client: string, request: Request) => Promise<Answer>,
    ) =>
    async (
      { client: inMessage, request }: { readonly client: string; readonly request?: Request | undefined },
      call: GrpcCall,
    ) => {
      const client = clientIn(inMessage, call.attributes());
      const { queries } = backends;
      if (!queries) throw new GrpcError(status.UNAVAILABLE, 'NATS is not connected');
      if (!request) throw new GrpcError(status.INVALID_ARGUMENT, 'request is missing');
      return { response: await underWay.run(whenLeft(call), () => ask(queries)(client, request)) };
    };
  const get = asked((queries) => queries.durable.get);
  const submit = asked((queries) => queries.durable.submit);
  return {
    async watchDurableTask({ client, request }, call, send) {
      const look = (waitMs: number) => get({ client, request: request && { ...request, waitMs } }, call);
      let told: string | undefined;
      for (
        let answer = await look(0);
        !call.signal.aborted;
        answer = await stillThere(() => look(pollIntervalMs), answer)
      ) {
        const { task, failure } = answer.response;
        const change = `${task?.state} ${task?.pickups}`;
        if (change !== told) send(answer);
        told = change;
        if (!task || failure || task.finishedUnixMs > 0n) return;
      }
    },
    submitTask: async ({ client, request }, call) =>
      submit({ client, request: request && withMetadata(request, client, call) }, call),
    getDurableTask: asked((queries) => queries.durable.get),
    cancelDurableTask: asked((queries) => queries.durable.cancel),
    listDurableTasks: asked((queries) => queries.durable.list),
    requeueDurableTask: asked((queries) => queries.durable.requeue),
  };
}

/** @throws {GrpcError} INVALID_ARGUMENT */
function withMetadata(request: wire.SubmitRequest, client: string, call: GrpcCall): wire.SubmitRequest {
  const { task } = request;
  if (!task) return request;
  return { ...request, task: understood(taskWithAttributes(task, client, call.attributes(), Date.now())) };
}

/** While nobody answers for durable tasks the last answer stands. */
async function stillThere<Answer>(next: () => Promise<Answer>, last: Answer): Promise<Answer> {
  try {
    return await next();
  } catch (error) {
    if (error instanceof GuardError) throw error;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    return last;
  }
}
