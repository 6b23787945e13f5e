import { ConnectionError, type NatsConnection } from '@nats-io/nats-core';

interface Transport {
  closed(): Promise<Error | void>;
}

interface Protocol {
  transport: Transport;
  prepare(): Promise<void> & { reject(error: Error): void };
}

/**
 * Dials again at once where a server closes the connection within its handshake, as one does that reads its users again
 * just then. The client library waits for its whole connect timeout instead, and so long the process counts as dead.
 *
 * It wraps a private method; where the library no longer has it, nothing is changed. @returns whether it was wrapped.
 */
export function noticeCutHandshakes(connection: NatsConnection): boolean {
  const protocol = (connection as unknown as { protocol?: Partial<Protocol> }).protocol;
  if (!hasPrepare(protocol)) return false;
  const prepare = protocol.prepare.bind(protocol);
  protocol.prepare = () => {
    const greeted = prepare();
    // Once the server has answered this changes nothing.
    const cut = (error: Error | void): void =>
      greeted.reject(error ?? new ConnectionError('the server closed the connection within its handshake'));
    void protocol.transport.closed().then(cut, cut);
    return greeted;
  };
  return true;
}

const hasPrepare = (protocol: Partial<Protocol> | undefined): protocol is Protocol =>
  typeof protocol?.prepare === 'function';
