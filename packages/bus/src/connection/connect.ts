import { readFile } from 'node:fs/promises';
import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/nats-core';
import { AuthorizationError, nkeyAuthenticator, nkeys, RequestError, TimeoutError } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { isInbox, sizes } from '@will/contracts';
import { TransientSet } from '@will/core';
import { BusError, type Bus, type Incoming, type Serving } from '../api.ts';
import { mustBeConfined } from '../access/confined.ts';
import { coalesceWrites } from './coalesce-writes.ts';
import { noticeCutHandshakes } from './cut-handshakes.ts';
import { noTls, readTls, speaksNoTls, tlsRefusal, type BusTlsFiles } from './tls.ts';
import type { BusUser } from '../access/users.ts';
import { tellAll } from './tell-all.ts';
import { traceHeaders, withinSpanOf, withinTraceOf } from './trace-headers.ts';

/** Address, user and behaviour of a connection. */
export interface ConnectOptions {
  /** Absent: the connection is not encrypted, unless an address begins with `tls://`. */
  readonly tls?: BusTlsFiles | undefined;
  /** File that holds the seed of this process's nkey; absent: the bus has no users. */
  readonly seedFile?: string | undefined;
  /** Whose table of permissions is tried at the start, where there is a seed; absent: only what nobody may. */
  readonly user?: BusUser;
  /** One or more, comma separated: `nats://127.0.0.1:4222`. */
  readonly servers: string;
  /** Unique id of this process; shown by the server as the connection's name. */
  readonly processId: string;
  /** First token of reply inboxes: the client, or the service. */
  readonly inboxScope: string;
  /** True: wait for a server that is not there yet. False (default): fail at once. */
  readonly waitForServer?: boolean;
  /** True: each question that is served is a span, `registry apply`. For services without spans of their own. */
  readonly tracesServing?: boolean;
  /** Told of handlers that threw, of asynchronous errors of the connection, and that a server is waited for. */
  readonly onError?: (what: string, error: unknown) => void;
}

/** Connects, and keeps reconnecting for ever. @throws {BusError} 'disconnected' when no server answers. */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const connection = await untilDialled(options);
  if (options.seedFile !== undefined) await closedUnless(connection, mustBeConfined(connection, options.user));
  coalesceWrites(connection);
  noticeCutHandshakes(connection);
  return new NatsBus(connection, options);
}

/** @throws {BusError} 'unsuitable' when the file cannot be read or holds no seed. */
async function readSeed(path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  try {
    return nkeys.fromSeed(new Uint8Array(Buffer.from((await readFile(path, 'utf8')).trim()))).getSeed();
  } catch {
    // The cause may hold what the file does.
    throw new BusError('unsuitable', `${path} must be readable and hold the seed of an nkey`);
  }
}

/** Waits for a check; a connection that does not pass is closed. */
async function closedUnless(connection: NatsConnection, check: Promise<unknown>): Promise<void> {
  try {
    await check;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The server answered in the clear. */
class SpeaksNoTls extends BusError {}

const betweenDialsMs = 250;
const tellWaitingEveryMs = 30_000;
/** How often it must be said: a server answers in the clear also who begins with TLS late, on a machine that is busy. */
const answersBelieved = 3;

/** Waits for a server that is not there yet; one that is there and refuses us will do so again, which is told. */
async function untilDialled(options: ConnectOptions): Promise<NatsConnection> {
  const tell = tellsOfWaiting(options);
  for (let answers = 0; ; ) {
    try {
      return await dial(options);
    } catch (error) {
      const isDisconnected = error instanceof BusError && error.code === 'disconnected';
      if (isDisconnected && !options.waitForServer) throw error;
      if (isDisconnected) tell(error);
      if (!isDisconnected && (!(error instanceof SpeaksNoTls) || ++answers === answersBelieved)) throw error;
      await new Promise((resolve) => setTimeout(resolve, betweenDialsMs));
    }
  }
}

/** Otherwise a process whose server is not there says nothing for ever. It says so at once, and then every 30 s. */
function tellsOfWaiting({ onError }: ConnectOptions): (error: BusError) => void {
  let toldAtMs = -Infinity;
  return (error) => {
    if (performance.now() - toldAtMs < tellWaitingEveryMs) return;
    toldAtMs = performance.now();
    const why = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    onError?.('waiting for the bus', new BusError(error.code, `${error.message}${why}`, { cause: error }));
  };
}

async function dial(options: ConnectOptions): Promise<NatsConnection> {
  const seed = await readSeed(options.seedFile);
  const tls = options.tls && (await readTls(options.tls, Date.now()));
  const delays = new ReconnectDelays();
  try {
    const connection = await connect({
      servers: options.servers.split(',').map((server) => server.trim()),
      name: options.processId,
      inboxPrefix: `_INBOX.${options.inboxScope}`,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => delays.nextMs(),
      // A server that is frozen, or behind a cut cable, is given up after four to six seconds.
      pingInterval: 2_000,
      maxPingOut: 2,
      ignoreAuthErrorAbort: true,
      // A captured stack per request costs a third of the caller's processor time.
      noAsyncTraces: true,
      timeout: 5_000,
      ...(seed && { authenticator: nkeyAuthenticator(seed) }),
      ...(tls && { tls }),
    });
    void followReconnects(connection, delays);
    return connection;
  } catch (cause) {
    throw dialError(cause, redacted(options.servers), tls !== undefined);
  }
}

function dialError(cause: unknown, servers: string, hasTls: boolean): BusError {
  if (cause instanceof AuthorizationError)
    return new BusError('unsuitable', `the bus at ${servers} wants the seed of a user it knows: set NATS_SEED_FILE`);
  if (speaksNoTls(cause)) return new SpeaksNoTls('unsuitable', noTls(servers), { cause });
  const refusal = tlsRefusal(cause, servers, hasTls);
  if (refusal !== undefined) return new BusError('unsuitable', refusal, { cause });
  return new BusError('disconnected', `no nats-server answers at ${servers}`, { cause });
}

/** The one that is away for longer than others take for a reconnect counts as dead: so it dials often at first, then rarely. */
const [quickDialMs, quickForMs, patientDialMs] = [40, 2_000, 250] as const;

/** Pauses between two dials. */
export class ReconnectDelays {
  readonly #nowMs: () => number;
  readonly #draw: () => number;
  #beganAtMs: number | undefined;

  constructor(nowMs = () => performance.now(), draw = Math.random) {
    this.#nowMs = nowMs;
    this.#draw = draw;
  }

  /** In milliseconds; asked before each dial. */
  nextMs(): number {
    this.#beganAtMs ??= this.#nowMs();
    const leastMs = this.#nowMs() - this.#beganAtMs < quickForMs ? quickDialMs : patientDialMs;
    return leastMs * (1 + 0.4 * this.#draw());
  }

  /** The next loss begins anew. */
  connected(): void {
    this.#beganAtMs = undefined;
  }
}

async function followReconnects(connection: NatsConnection, delays: ReconnectDelays): Promise<void> {
  delays.connected();
  for await (const { type } of connection.status()) if (type === 'reconnect') delays.connected();
}

/** Addresses may carry a user and password; those are not shown. */
const redacted = (servers: string): string => servers.replace(/\/\/[^@/]*@/g, '//…@');

class NatsBus implements Bus {
  readonly connection: NatsConnection;
  readonly processId: string;
  readonly #onError: (what: string, error: unknown) => void;
  readonly #tracesServing: boolean;
  readonly #listeners = new TransientSet<(isConnected: boolean) => void>();
  #isConnected = true;

  constructor(connection: NatsConnection, options: ConnectOptions) {
    this.connection = connection;
    this.processId = options.processId;
    this.#onError = options.onError ?? (() => {});
    this.#tracesServing = options.tracesServing ?? false;
    void this.#followStatus();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  publish(subject: string, data: Uint8Array, reply?: string): void {
    this.#mustBeConnected(subject);
    mustFit(subject, data);
    if (reply === undefined) this.connection.publish(subject, data);
    else {
      // What wants an answer is work for somebody: it belongs to the trace of the caller that asked. Frames do not carry it again.
      const headers = traceHeaders();
      this.connection.publish(subject, data, headers ? { reply, headers } : { reply });
    }
  }

  async request(subject: string, data: Uint8Array, timeoutMs: number, inbox?: string): Promise<Uint8Array> {
    this.#mustBeConnected(subject);
    mustFit(subject, data);
    const headers = traceHeaders();
    const options = {
      timeout: timeoutMs,
      ...(headers && { headers }),
      ...(inbox !== undefined && { reply: inbox, noMux: true }),
    };
    try {
      return (await this.#unlessDisconnected(subject, this.connection.request(subject, data, options))).data;
    } catch (cause) {
      throw cause instanceof BusError ? cause : requestError(subject, timeoutMs, cause);
    }
  }

  /** An answer to what was asked before the connection was lost will not come: who waits is told at once. */
  async #unlessDisconnected<T>(subject: string, answer: Promise<T>): Promise<T> {
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const stop = this.onConnectionChange((isConnected) => {
      if (!isConnected) reject(new BusError('disconnected', `the connection was lost while ${subject} was asked`));
    });
    try {
      return await Promise.race([answer, lost]);
    } finally {
      stop();
      // Whichever came second is nobody's failure.
      answer.catch(() => {});
    }
  }

  listen(subject: string, onMessage: (message: Incoming) => void): Subscription {
    return this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return this.report(`listening to ${subject}`, error);
        const failed = (thrown: unknown): void => this.report(`handling a message to ${subject}`, thrown);
        try {
          const handled: unknown = onMessage(incoming(message));
          // A listener that is asynchronous after all must not end the process.
          if (handled instanceof Promise) handled.catch(failed);
        } catch (thrown) {
          failed(thrown);
        }
      },
    });
  }

  serve(subject: string, queue: string, handler: Parameters<Bus['serve']>[2]): Serving {
    const inFlight = new TransientSet<Promise<void>>();
    const failed = (thrown: unknown): void => this.report(`serving ${subject}`, thrown);
    const say = ({ reply }: Incoming, answer: Uint8Array | undefined): void => {
      if (answer !== undefined && reply !== '') this.publish(reply, answer);
    };
    /** Undefined: it is done. */
    const handle = (message: Incoming): Promise<void> | undefined => {
      try {
        const answer = handler(message);
        if (answer instanceof Promise) return answer.then((late) => say(message, late)).catch(failed);
        say(message, answer);
      } catch (thrown) {
        failed(thrown);
      }
      return undefined;
    };
    const subscription = this.connection.subscribe(subject, {
      queue,
      callback: (error, message) => {
        if (error) return this.report(`serving ${subject}`, error);
        const { reply = '' } = message;
        if (reply !== '' && !isInbox(reply)) return this.report(`serving ${subject}`, notAnInbox(reply));
        const work = withinTraceOf(message, () =>
          this.#tracesServing
            ? withinSpanOf(message.subject, () => handle(incoming(message)))
            : handle(incoming(message)),
        );
        if (work) void work.finally(inFlight.add(work));
      },
    });
    return {
      // drain() stops the flow but does not wait for asynchronous handlers: they are awaited here.
      stop: async () => {
        if (!this.connection.isClosed() && !subscription.isClosed()) await subscription.drain();
        while (inFlight.size > 0) await Promise.allSettled(inFlight);
      },
    };
  }

  report(what: string, error: unknown): void {
    try {
      this.#onError(what, error);
    } catch {
      // A log that fails has nobody to tell.
    }
  }

  onConnectionChange(listener: (isConnected: boolean) => void): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    if (this.connection.isClosed()) return;
    if (this.#isConnected) await this.connection.flush().catch(() => {});
    await this.connection.close();
  }

  #mustBeConnected(subject: string): void {
    if (!this.#isConnected) throw new BusError('disconnected', `NATS is not connected; nothing was sent to ${subject}`);
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect' || status.type === 'close') this.#setConnected(false);
      else if (status.type === 'reconnect') this.#setConnected(true);
      else if (status.type === 'error') this.report('the connection', status.error);
    }
    this.#setConnected(false);
  }

  #setConnected(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    tellAll(this, 'telling of the connection', this.#listeners, isConnected);
  }
}

/** Otherwise the caller that asks could have the answer written to any subject that the server of it may publish to. */
const notAnInbox = (reply: string): Error =>
  new Error(`nothing was done: the answer was asked to ${JSON.stringify(reply.slice(0, 80))}, which is no inbox`);

function incoming(message: Msg): Incoming {
  const isNoResponders = message.data.length === 0 && message.headers?.code === 503;
  return {
    subject: message.subject,
    reply: message.reply ?? '',
    data: message.data,
    isNoResponders,
    ...(message.headers && { headers: linesOf(message.headers) }),
  };
}

const linesOf = (headers: MsgHdrs): readonly (readonly [string, string])[] =>
  [...headers].flatMap(([key, values]) => values.map((value) => [key, value] as const));

function mustFit(subject: string, data: Uint8Array): void {
  if (data.length > sizes.messageBytes)
    throw new BusError('too_large', `${data.length} bytes to ${subject} exceed the ${sizes.messageBytes} of a message`);
}

function requestError(subject: string, timeoutMs: number, cause: unknown): BusError {
  if (cause instanceof RequestError && cause.isNoResponders())
    return new BusError('no_responders', `nobody serves ${subject}`, { cause });
  if (cause instanceof TimeoutError || (cause instanceof RequestError && cause.cause instanceof TimeoutError))
    return new BusError('timeout', `no answer from ${subject} within ${timeoutMs} ms`, { cause });
  return new BusError('disconnected', `asking ${subject} failed`, { cause });
}
