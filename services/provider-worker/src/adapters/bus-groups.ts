import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { answerStill, type Bus, type Incoming, type Serving } from '@will/bus';
import type { DataClass } from '@will/core';
import { isInboxOf, patterns, queues, readMessage, subjects, wire } from '@will/contracts';
import type { Groups, IncomingCall } from '../ports.ts';
import type { CallIndex } from '../served-model.ts';

/** Queue groups on the bus. A call whose inboxes are not the router's and its client's own is not served. */
export function busGroups(bus: Bus, onError: (what: string, error: unknown) => void): Groups {
  return {
    join(model, classes, onCall) {
      const memberships: Serving[] = classes.map((dataClass) =>
        bus.serve(subjects.call(dataClass, model), queues.worker, (message) => {
          const call = read(bus, message, dataClass);
          if (call) onCall(call);
          else
            onError('a call', new Error(`a message to ${message.subject} is no call, or answers to a foreign inbox`));
          return undefined;
        }),
      );
      return {
        async leave() {
          await Promise.all(memberships.map((membership) => membership.stop()));
        },
      };
    },
    announceFree(model, { toAll, kept }) {
      if (!bus.isConnected) return;
      const word = create(wire.FreeSlotsSchema, { workerId: bus.processId, slots: toAll, keptSlots: kept });
      bus.publish(subjects.free(model), toBinary(wire.FreeSlotsSchema, word));
    },
  };
}

function read(bus: Bus, message: Incoming, dataClass: DataClass): IncomingCall | undefined {
  const request = parse(message.data);
  if (!request || !isInboxOf('router', message.reply)) return undefined;
  const { callerInbox, attemptId, facts } = request;
  if (!facts || !isInboxOf(facts.client, callerInbox)) return undefined;
  const send = (subject: string, data: Uint8Array): void => {
    if (bus.isConnected) bus.publish(subject, data);
  };
  return {
    request,
    dataClass,
    toRouter(kind) {
      const event = create(wire.CallEventSchema, { attemptId, workerId: bus.processId, kind });
      send(message.reply, toBinary(wire.CallEventSchema, event));
    },
    toCaller: (frame) => send(callerInbox, toBinary(wire.FrameSchema, frame)),
  };
}

function parse(data: Uint8Array): wire.CallRequest | undefined {
  try {
    return readMessage(wire.CallRequestSchema, data);
  } catch {
    return undefined;
  }
}

/** Obeys routers (go, revoke, cancel by attempt) and callers (cancel by task). */
export function obeyCommands(bus: Bus, calls: CallIndex): { stop(): void } {
  const control = bus.listen(subjects.control(bus.processId), ({ data }) =>
    calls.obey(fromBinary(wire.CallControlSchema, data)),
  );
  const cancels = bus.listen(patterns.cancels(bus.processId), ({ subject, data }) => {
    const client = subject.slice(subject.lastIndexOf('.') + 1);
    for (const call of calls.ofTask(client, fromBinary(wire.CancelSchema, data).taskId)) call.cancel();
  });
  const stills = answerStill(bus, (work) => calls.has(work));
  return {
    stop() {
      control.unsubscribe();
      cancels.unsubscribe();
      stills.stop();
    },
  };
}
