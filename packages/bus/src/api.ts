import type { NatsConnection, Subscription } from '@nats-io/nats-core';

/** The bus did not do it. Branch on `code`. */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: 'disconnected' | 'no_responders' | 'timeout' | 'too_large' | 'unsuitable';
  constructor(code: BusError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A request that came over the bus. */
export interface Incoming {
  readonly subject: string;
  /** Where the answer goes; '' for none. */
  readonly reply: string;
  readonly data: Uint8Array;
  /** Each header line that came with it; absent: none. */
  readonly headers?: readonly (readonly [key: string, value: string])[];
  /** The server's word that nobody serves the subject that was asked. */
  readonly isNoResponders: boolean;
}

/** An endpoint that answers requests. */
export interface Serving {
  /** Takes nothing new (drain, never unsubscribe), then waits for handlers in flight. */
  stop(): Promise<void>;
}

/** One connection to the bus, for one process. */
export interface Bus {
  readonly connection: NatsConnection;
  /** Unique id of this process on the bus. */
  readonly processId: string;
  /** False while the connection is away: publishing then would be lost in silence, so it throws. */
  readonly isConnected: boolean;
  /**
   * Sends; nothing is confirmed.
   * @throws {BusError} 'disconnected', 'too_large'
   */
  publish(subject: string, data: Uint8Array, reply?: string): void;
  /**
   * Asks and waits for one answer.
   * @param inbox where the answer is to come, for who asks in the name of another; default: an inbox of this connection.
   * @throws {BusError} 'disconnected', 'no_responders' (both at once), 'timeout', 'too_large'
   */
  request(subject: string, data: Uint8Array, timeoutMs: number, inbox?: string): Promise<Uint8Array>;
  /** Every message to the subject, with no queue: control, heartbeats, inboxes. */
  listen(subject: string, onMessage: (message: Incoming) => void): Subscription;
  /**
   * Serves a subject within a queue group. A handler's answer is sent to the reply subject; undefined: it answers by
   * itself. A throw is logged and answered by nothing, so handlers turn errors into replies. A message that asks for its
   * answer anywhere but in an inbox does not reach the handler.
   */
  serve(
    subject: string,
    queue: string,
    handler: (message: Incoming) => Promise<Uint8Array | undefined> | Uint8Array | undefined,
  ): Serving;
  /** Tells the process's log of something that went wrong where nobody can be answered. Never throws. */
  report(what: string, error: unknown): void;
  /** Called at every loss and return of the connection. Returns how to stop listening. */
  onConnectionChange(listener: (isConnected: boolean) => void): () => void;
  /** Flushes and closes. Stop what serves first. */
  close(): Promise<void>;
}
