import { lookup as resolve } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Model } from '@will/core';
import { type Dispatcher, Pool } from 'undici';
import { ProviderConfigError } from '../port.ts';
import { type Decompressor, decompressorFor } from './decompress.ts';
import { isMetadataHost, isPublicAddress } from './public-address.ts';

/** Answers larger than this are cut: no provider's answer is, and memory is not the caller's to fill. */
const maxAnswerBytes = 48 * 1024 * 1024;
const connectTimeoutMs = 5_000;
/** The code of a request whose listener threw. */
const listenerFailed = 'ELISTENER';
/** The code of a request that was not to leave any more. */
const tooLate = 'ELATE';

/** A request that leaves the product. */
export interface EgressRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** How long the answer's headers, and later any silence in its body, may last. */
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Asked as its first byte is about to leave, which is when a connection is there. False: nothing leaves, and it fails as `ELATE`. */
  readonly mayLeave?: (() => boolean) | undefined;
}

/** Told of a request's end. After `failed`, `ended` or `abort()` nothing more is called. */
export interface EgressListener {
  started(status: number, headers: Readonly<Record<string, string>>): void;
  data(chunk: Buffer): void;
  ended(): void;
  /** The connection failed; `code` as the network gives it. */
  failed(code: string): void;
}

/** The one way out to providers. */
export interface Egress {
  send(request: EgressRequest, listener: EgressListener): { abort(): void };
  close(): Promise<void>;
}

/**
 * The networks that a name may lead to: to the public internet, inside, or either. A metadata service is never among
 * it.
 */
export type Reach = 'public' | 'private' | 'any';

/** The networks of a model's address: private for the rules must be private for the network as well. */
export const reachOf = ({ isPrivate, document }: Pick<Model, 'isPrivate' | 'document'>): Reach =>
  isPrivate ? 'private' : document.call_method === 'API' ? 'public' : 'any';

/**
 * So long is an idle connection kept for the next call. Model servers of one's own close theirs after 5 s, often without a
 * word of it: a call that they get at that moment fails.
 */
const idleMs = { service: 30_000, ownServer: 4_000 } as const;

/**
 * The one module that opens connections to providers: one origin, from the registry, never from a caller. Redirects are
 * not followed and nothing is decompressed. A cloud's metadata service is never called. A public host must not resolve to a private address: that is looked at in the
 * socket's own name resolution, so that a second answer of the name server cannot differ from the one that was checked.
 * @throws {ProviderConfigError} the address is private as it stands, and may not be: a number is never resolved. Or it is
 *   link-local or a metadata service's.
 */
export function openEgress(origin: string, reach: Reach): Egress {
  const mayBePrivate = reach !== 'public';
  if (isMetadataHost(hostOf(origin)))
    throw new ProviderConfigError(
      `the endpoint ${origin} must not be a link-local address or a cloud's metadata service`,
    );
  if (!mayBePrivate && isNumericAndHidden(origin))
    throw new ProviderConfigError(`the endpoint ${origin} must not be a private address`);
  const pool = new Pool(origin, {
    connections: 256,
    pipelining: 1,
    keepAliveTimeout: origin.startsWith('https:') ? idleMs.service : idleMs.ownServer,
    connect: { timeout: connectTimeoutMs, lookup: lookups[reach] },
  });
  return {
    send(request, listener) {
      const handler = new Handler(listener, request.mayLeave);
      pool.dispatch(
        {
          method: request.method,
          path: request.path,
          headers: mayBePrivate ? traced(request.headers) : request.headers,
          body: request.body ?? null,
          headersTimeout: request.headersTimeoutMs,
          bodyTimeout: request.idleTimeoutMs,
        },
        handler,
      );
      return handler;
    },
    close: () => pool.destroy(),
  };
}

/** Models on our side of the wire belong to our traces; a vendor learns nothing of them. */
function traced(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const active = context.active();
  if (active === ROOT_CONTEXT) return headers;
  const carrier = { ...headers };
  propagation.inject(active, carrier);
  return carrier;
}

/** `URL` has already turned every other spelling (decimal, octal, hexadecimal) into the usual one. */
function isNumericAndHidden(origin: string): boolean {
  const host = hostOf(origin);
  return isIP(host) !== 0 && !isPublicAddress(host);
}

const hostOf = (origin: string): string => new URL(origin).hostname.replace(/^\[|\]$/g, '');

/** Name resolution that fails unless every address is one that may be called. */
const lookupOnly =
  (isAllowed: (address: string) => boolean, wrong: string): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      if (addresses.length === 0 || !addresses.every(({ address }) => isAllowed(address)))
        return callback(Object.assign(new Error(wrong), { code: 'EPRIVATE' }), '', 0);
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      return callback(null, first?.address ?? '', first?.family ?? 4);
    });
  };

const publicOnly = lookupOnly(isPublicAddress, 'the host does not resolve to public addresses');
const privateOnly = lookupOnly(
  (address) => !isPublicAddress(address) && !isMetadataHost(address),
  'the host resolves to an address that is not private',
);
const anyButMetadata = lookupOnly((address) => !isMetadataHost(address), 'the host resolves to a metadata service');

const lookups: Readonly<Record<Reach, LookupFunction>> = {
  public: publicOnly,
  private: privateOnly,
  any: anyButMetadata,
};

class Handler implements Dispatcher.DispatchHandler {
  readonly #listener: EgressListener;
  readonly #mayLeave: () => boolean;
  #controller: Dispatcher.DispatchController | undefined;
  #decompressor: Decompressor | undefined;
  #receivedBytes = 0;
  #isOver = false;

  constructor(listener: EgressListener, mayLeave: () => boolean = () => true) {
    this.#listener = listener;
    this.#mayLeave = mayLeave;
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#giveUp();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) return controller.abort(new Error('aborted'));
    if (!this.#mayLeave()) this.#refuse(tooLate);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#isOver || status < 200) return;
    const stated = flat(headers);
    const encoding = stated['content-encoding'];
    if (encoding !== undefined)
      this.#decompressor = decompressorFor(encoding, {
        data: (chunk) => this.#plainData(chunk),
        ended: () => this.#ended(),
        failed: () => this.#refuse('EENCODING'),
      });
    this.#tell(() => this.#listener.started(status, stated));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#decompressor) this.#decompressor.push(chunk);
    else this.#plainData(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    if (this.#decompressor) this.#decompressor.end();
    else this.#ended();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error & { code?: string }): void {
    this.#fail(error.code ?? 'UNKNOWN');
  }

  /** The bound holds for what comes out: little that is compressed may be much. */
  #plainData(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > maxAnswerBytes) return this.#refuse('ETOOLARGE');
    this.#tell(() => this.#listener.data(chunk));
  }

  #ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#listener.ended();
    } catch {
      this.#listener.failed(listenerFailed);
    }
  }

  #fail(code: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#decompressor?.abort();
    this.#listener.failed(code);
  }

  #refuse(code: string): void {
    if (this.#isOver) return;
    this.#fail(code);
    this.#giveUp();
  }

  #giveUp(): void {
    this.#decompressor?.abort();
    this.#controller?.abort(new Error('aborted'));
  }

  /** What a listener throws fails its own request, and neither the connection's others nor the process. */
  #tell(tell: () => void): void {
    try {
      tell();
    } catch {
      this.#refuse(listenerFailed);
    }
  }
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const one: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value !== undefined) one[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return one;
}
