import type { Egress, EgressRequest } from '../egress/index.ts';

/** A `fetch` for the AI SDK whose requests leave by egress. */
export interface EgressFetch {
  readonly fetch: typeof globalThis.fetch;
  /** The network's code of the connection that failed last; undefined: none did. */
  readonly failedCode: string | undefined;
  /** Of the last answer; a package may claim another one for an answer that it cannot read. */
  readonly status: number | undefined;
  /** Ends what is under way; its promises are rejected. */
  abort(): void;
}

const withoutBody: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * `fetch` for one call of a vendor's package, over the one module that opens connections. A request to any other origin
 * than the endpoint's is refused: a package may want to fetch what stands in a prompt.
 */
export function egressFetch(
  egress: Egress,
  origin: string,
  bounds: Pick<EgressRequest, 'headersTimeoutMs' | 'idleTimeoutMs' | 'mayLeave'>,
): EgressFetch {
  const underway = new Set<() => void>();
  let failedCode: string | undefined;
  let answeredStatus: number | undefined;

  const send = (url: URL, init: RequestInit): Promise<Response> => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    let body: ReadableStreamDefaultController<Uint8Array> | undefined;
    // Known only when sending returns; a closed pool may fail before that.
    let abortSent = (): void => {};
    const abort = (): void => {
      abortSent();
      stop(new DOMException('aborted', 'AbortError'));
    };
    const stop = (error: Error): void => {
      underway.delete(abort);
      reject(error);
      body?.error(error);
      body = undefined;
    };
    const request = {
      method: init.method === 'GET' ? ('GET' as const) : ('POST' as const),
      path: url.pathname + url.search,
      headers: { ...Object.fromEntries(new Headers(init.headers)), 'accept-encoding': 'identity' },
      ...(typeof init.body === 'string' && { body: init.body }),
      ...bounds,
    };
    underway.add(abort);
    const sent = egress.send(request, {
      started(status, headers) {
        answeredStatus = status;
        const stream = new ReadableStream<Uint8Array>({
          start: (controller) => void (body = controller),
          cancel: () => abort(),
        });
        resolve(new Response(withoutBody.has(status) ? null : stream, { status, headers: { ...headers } }));
      },
      data: (chunk) => body?.enqueue(chunk),
      ended() {
        underway.delete(abort);
        body?.close();
        body = undefined;
      },
      failed(code) {
        failedCode = code;
        stop(new Error(`the connection failed (${code})`));
      },
    });
    abortSent = () => sent.abort();
    return promise;
  };

  return {
    fetch: (input, init = {}) => {
      const url = new URL(input instanceof Request ? input.url : input);
      return url.origin === origin
        ? send(url, init)
        : Promise.reject(new Error(`a request to ${url.origin} is refused: this model is at ${origin}`));
    },
    get failedCode() {
      return failedCode;
    },
    get status() {
      return answeredStatus;
    },
    abort() {
      for (const abort of underway) abort();
    },
  };
}
