import type { Egress, EgressListener, EgressRequest, Reach } from '../egress/index.ts';

/** An upstream's answer to one request. */
export interface Answered {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A way out without a network: it notes what leaves, and answers by a function; undefined: not at all. */
export class FakeEgress implements Egress {
  readonly sent: EgressRequest[] = [];
  readonly listeners: EgressListener[] = [];
  /** The origins and networks that it was opened for. */
  readonly opened: (readonly [origin: string, reach: Reach])[] = [];
  aborts = 0;
  isClosed = false;
  readonly #answer: (request: EgressRequest) => Answered | undefined;

  constructor(answer: (request: EgressRequest) => Answered | undefined = () => undefined) {
    this.#answer = answer;
  }

  /** In place of the function that opens connections. */
  readonly open = (origin: string, reach: Reach): Egress => {
    this.opened.push([origin, reach]);
    return this;
  };

  send(request: EgressRequest, listener: EgressListener): { abort(): void } {
    this.sent.push(request);
    this.listeners.push(listener);
    const answer = this.#answer(request);
    if (answer) queueMicrotask(() => tell(listener, answer));
    return { abort: () => void (this.aborts += 1) };
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function tell(listener: EgressListener, { status = 200, headers = {}, body = '' }: Answered): void {
  listener.started(status, headers);
  listener.data(Buffer.from(body as string));
  listener.ended();
}
