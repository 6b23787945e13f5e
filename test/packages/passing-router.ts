import { create } from '@bufbuild/protobuf';
import { type Bus, connectBus } from '@will/bus';
import { fromBinary, toBinary, wire } from '@will/contracts';
import { startNatsServer } from '@will/testkit';

/**
 * A router on a bus of its own that passes the first two publications on, takes the third late and asks whether it is still
 * wanted, and then answers "passed on twice". Says how often it was asked.
 */
export async function startPassingRouter(): Promise<{
  readonly url: string;
  asked(): number;
  stop(): Promise<void>;
}> {
  const nats = await startNatsServer();
  const bus = await connectBus({ servers: nats.url, processId: 'router-fake', inboxScope: 'router' });
  let asked = 0;
  let answer = (): void => {};
  bus.listen('will.v1.task.run.*', ({ data, reply }) => {
    const { taskId } = fromBinary(wire.TaskSchema, data);
    const say = sayTo(bus, reply, taskId);
    asked += 1;
    if (asked <= 2) return say(0, passedOn);
    say(0, { case: 'accepted', value: create(wire.AcceptedSchema, { routerId: bus.processId, confirmWanted: true }) });
    answer = () =>
      say(1, { case: 'end', value: create(wire.EndSchema, { model: 'm', output: { text: 'passed on twice' } }) });
  });
  bus.listen(`will.v1.inflight.${bus.processId}.*`, ({ data }) => {
    if (fromBinary(wire.InFlightRequestSchema, data).wanted.length > 0) answer();
  });
  await bus.connection.flush();
  return {
    url: nats.url,
    asked: () => asked,
    async stop() {
      await bus.close();
      await nats.stop();
    },
  };
}

const passedOn: wire.Frame['kind'] = {
  case: 'failure',
  value: create(wire.FailureSchema, {
    code: wire.FailureCode.UNAVAILABLE,
    message: 'the router is not ready',
    retryable: true,
    retryAfterMs: 1,
    notTaken: true,
  }),
};

const sayTo =
  (bus: Bus, inbox: string, taskId: string) =>
  (attempt: number, kind: wire.Frame['kind']): void =>
    bus.publish(
      inbox,
      toBinary(wire.FrameSchema, create(wire.FrameSchema, { taskId, attempt, sequence: attempt, kind })),
    );
