import { type Bus, type LivenessMonitor, type LoopWatch, serverTouch, whoHas } from '@will/bus';
import { TransientMap } from '@will/core';
import { create, fromBinary, patterns, subjects, toBinary, wire } from '@will/contracts';
import type { Calls, CallSignal, Dispatch } from '../ports.ts';

/**
 * Calls over the bus: one wildcard inbox for all of this router's calls, one attempt per last token. The server itself
 * answers there when nobody is in a model's group.
 */
export function busCalls(bus: Bus, life: LivenessMonitor, loop: LoopWatch): Calls & { stop(): void } {
  const waiting = new TransientMap<(signal: CallSignal) => void>();
  const publish = (subject: string, request: wire.CallRequest): void =>
    bus.publish(
      subject,
      toBinary(wire.CallRequestSchema, request),
      subjects.inbox('router', bus.processId, request.attemptId),
    );
  /** Gives a call that was meant for one worker to any, once, where that one is gone or did not take it. */
  const elsewhere = ({ request, dataClass, workerId }: Dispatch, onSignal: (signal: CallSignal) => void) => {
    if (workerId === undefined) return onSignal;
    let isMeantForOne = true;
    return (signal: CallSignal): void => {
      if (!isMeantForOne || !isNotTaken(signal) || !bus.isConnected) return onSignal(signal);
      isMeantForOne = false;
      publish(subjects.call(dataClass, request.model), request);
    };
  };
  const inbox = bus.listen(patterns.inbox('router', bus.processId), (message) => {
    const onSignal = waiting.get(message.subject.slice(message.subject.lastIndexOf('.') + 1));
    if (!onSignal) return;
    if (message.isNoResponders) onSignal({ kind: 'nobody' });
    else onSignal({ kind: 'event', event: fromBinary(wire.CallEventSchema, message.data) });
  });
  let connection = 1;
  const stopCounting = bus.onConnectionChange((isConnected) => {
    if (isConnected) connection += 1;
  });
  return {
    get connection() {
      return connection;
    },
    whoHas: (workerIds, client, attemptIds) => whoHas(bus, workerIds, client, attemptIds),
    isInTouch: serverTouch(bus, loop),
    send(dispatch, onSignal) {
      const { request, dataClass, workerId } = dispatch;
      const { attemptId, model } = request;
      waiting.set(attemptId, elsewhere(dispatch, onSignal));
      try {
        publish(
          workerId === undefined ? subjects.call(dataClass, model) : subjects.callAt(dataClass, model, workerId),
          request,
        );
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
    stop() {
      stopCounting();
      inbox.unsubscribe();
    },
  };
}

/** Nothing was sent to a provider, and another worker may take it. */
const isNotTaken = (signal: CallSignal): boolean =>
  signal.kind === 'nobody' || (signal.event.kind.case === 'busy' && !signal.event.kind.value.isLimit);
