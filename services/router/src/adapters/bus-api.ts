import { answerInFlight, type Bus, type Incoming, type LoopWatch } from '@will/bus';
import { startWindowMs } from '@will/core';
import {
  attributesOfHeaders,
  clientOfTaskSubject,
  create,
  fromBinary,
  isInboxOf,
  type MayAnswer,
  patterns,
  queues,
  readMessage,
  type Stray,
  strayOf,
  taskWithAttributes,
  toBinary,
  wire,
} from '@will/contracts';
import { LateTasks } from '../task/late-tasks.ts';
import type { TaskCaller } from '../ports.ts';
import { passOn, refuse, type Router } from '../service.ts';

/** Serves tasks from the bus. `stop` takes no new ones; `close` then no longer answers for those in flight either. */
export function serveTasks(
  bus: Bus,
  router: Router,
  loop: Pick<LoopWatch, 'stoodStillMs'>,
  mayAnswer: MayAnswer,
  onStray: (subject: string, stray: Stray) => void,
): { stop(): Promise<void>; close(): void } {
  const serving = bus.serve(patterns.taskRun, queues.router, (message) => {
    takeTask(bus, router, message);
    return undefined;
  });
  const cancels = bus.listen(patterns.cancels(bus.processId), ({ subject, data }) => {
    router.cancel(subject.slice(subject.lastIndexOf('.') + 1), fromBinary(wire.CancelSchema, data).taskId);
  });
  const late = new LateTasks();
  const inFlights = answerInFlight(
    bus,
    ({ client, id }) => router.has(client, id),
    ({ client, id }) => late.wanted(client, id),
  );
  /** What came while this process stood still may be somebody else's by now, or nobody's. */
  const takeIfWanted = async (task: wire.Task, client: string, caller: TaskCaller): Promise<void> => {
    const value = create(wire.AcceptedSchema, { routerId: bus.processId, confirmWanted: true });
    const isWanted = late.isWanted(client, task.taskId);
    caller.send(create(wire.FrameSchema, { taskId: task.taskId, kind: { case: 'accepted', value } }));
    if (await isWanted) router.take(task, client, caller);
    else passOn(task, caller, tookItLate);
  };
  const takeTask = (on: Bus, to: Router, message: Incoming): void => {
    const client = clientOfTaskSubject(message.subject);
    // Without this check a caller could have frames written to any subject that the router may publish to.
    if (client === undefined || !isInboxOf(client, message.reply)) {
      const stray = strayOf(message.subject, message.reply, mayAnswer);
      if (stray.reply !== undefined) refuse(emptyTask, callerAt(on, stray.reply), stray.code, stray.message);
      return onStray(message.subject, stray);
    }
    const caller = callerAt(on, message.reply);
    const task = parse(message.data);
    if (!task) return refuse(emptyTask, caller, wire.FailureCode.INVALID_TASK, 'the message is no will.v1.Task', 0);
    const stated = message.headers ? understood(task, client, message.headers) : { message: task };
    if ('problem' in stated) refuse(task, caller, wire.FailureCode.INVALID_TASK, stated.problem.message, 0);
    else if (loop.stoodStillMs() >= startWindowMs) void takeIfWanted(stated.message, client, caller);
    else to.take(stated.message, client, caller);
  };
  return {
    stop: () => serving.stop(),
    close() {
      cancels.unsubscribe();
      inFlights.stop();
    },
  };
}

const tookItLate = 'the router took the task late, and nobody said that it is wanted';
const emptyTask = fromBinary(wire.TaskSchema, new Uint8Array(0));

/** A task with the attributes that came as headers of its message. */
function understood(
  task: wire.Task,
  client: string,
  headers: NonNullable<Incoming['headers']>,
): ReturnType<typeof taskWithAttributes> {
  const read = attributesOfHeaders(headers);
  return 'problem' in read ? read : taskWithAttributes(task, client, read.attributes, Date.now());
}

function parse(data: Uint8Array): wire.Task | undefined {
  try {
    return readMessage(wire.TaskSchema, data);
  } catch {
    return undefined;
  }
}

const callerAt = (bus: Bus, inbox: string): TaskCaller => ({
  inbox,
  send(frame) {
    if (bus.isConnected) bus.publish(inbox, toBinary(wire.FrameSchema, frame));
  },
});
