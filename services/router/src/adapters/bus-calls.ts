import { create } from '@bufbuild/protobuf';
import { type Bus, type LivenessMonitor, type LoopWatch, serverTouch } from '@will/bus';
import { fromBinary, patterns, subjects, toBinary, wire } from '@will/contracts';
import type { Calls, CallSignal } from '../ports.ts';

/**
 * Calls over the bus: one wildcard inbox for all of this router's calls, one attempt per last token. The server itself
 * answers there when nobody is in a model's group.
 */
export function busCalls(bus: Bus, life: LivenessMonitor, loop: LoopWatch): Calls & { stop(): void } {
  const waiting = new Map<string, (signal: CallSignal) => void>();
  const inbox = bus.listen(patterns.inbox('router', bus.processId), (message) => {
    const onSignal = waiting.get(message.subject.slice(message.subject.lastIndexOf('.') + 1));
    if (!onSignal) return;
    if (message.isNoResponders) onSignal({ kind: 'nobody' });
    else onSignal({ kind: 'event', event: fromBinary(wire.CallEventSchema, message.data) });
  });
  return {
    isInTouch: serverTouch(bus, loop),
    send({ request, dataClass }, onSignal) {
      const { attemptId, model } = request;
      waiting.set(attemptId, onSignal);
      try {
        const reply = subjects.inbox('router', bus.processId, attemptId);
        bus.publish(subjects.call(dataClass, model), toBinary(wire.CallRequestSchema, request), reply);
      } catch (error) {
        waiting.delete(attemptId);
        throw error;
      }
      return { close: () => waiting.delete(attemptId) };
    },
    command(workerId, attemptId, command, startUntilUnixMs = 0) {
      if (!bus.isConnected) return;
      const control = create(wire.CallControlSchema, {
        attemptId,
        command,
        startUntilUnixMs: BigInt(startUntilUnixMs),
      });
      bus.publish(subjects.control(workerId), toBinary(wire.CallControlSchema, control));
    },
    watch: (workerId, onLost, work) => life.watch(workerId, onLost, work),
    stop: () => inbox.unsubscribe(),
  };
}
