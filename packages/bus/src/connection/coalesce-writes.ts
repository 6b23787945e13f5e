import type { NatsConnection } from '@nats-io/nats-core';

interface Protocol {
  flushPending(): void;
}

/**
 * Puts the writes of one turn of the event loop together. The client library writes to the socket in a microtask, so
 * that under load each message answered from a promise is a system call of its own. Here the first write of a turn goes
 * out at once, so a lone message waits for nothing, and all later ones leave together when the turn ends.
 * Measured: half the processor time per message at 32 concurrent calls.
 *
 * It wraps a private method; where the library no longer has it, nothing is changed. @returns whether it was wrapped.
 */
export function coalesceWrites(connection: NatsConnection): boolean {
  const protocol = (connection as unknown as { protocol?: Partial<Protocol> }).protocol;
  if (typeof protocol?.flushPending !== 'function') return false;
  const flush = protocol.flushPending.bind(protocol);
  let wroteThisTurn = false;
  let isWaiting = false;
  const endTurn = (): void => {
    wroteThisTurn = false;
    if (!isWaiting) return;
    isWaiting = false;
    flush();
  };
  protocol.flushPending = () => {
    if (wroteThisTurn) {
      isWaiting = true;
      return;
    }
    wroteThisTurn = true;
    setImmediate(endTurn);
    flush();
  };
  return true;
}
