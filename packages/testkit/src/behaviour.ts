/** How the upstream treats one request, in the wire format of whichever vendor's path it names. */
export type Behaviour =
  | {
      readonly kind: 'answer';
      readonly text?: string;
      /** Answers with the text of the last message, so that an answer shows whose it is. */
      readonly echo?: boolean;
      readonly chunks?: number;
      readonly gapMs?: number;
      readonly delayMs?: number;
      readonly finish?: string;
      readonly usage?: boolean;
    }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly contentType?: string;
    }
  /** Answers 200 with a body that is no chat completion. */
  | { readonly kind: 'nonsense' }
  /** Breaks the connection before answering. */
  | { readonly kind: 'reset' }
  /** Says nothing at all. */
  | { readonly kind: 'silent' }
  /** Streams some pieces, then one of these. */
  | {
      readonly kind: 'breaks';
      readonly after: number;
      readonly how: 'cut' | 'error_event' | 'malformed' | 'stall' | 'end_without_marker';
    }
  /** The filter's soft form: 200, no content, finish_reason content_filter. */
  | { readonly kind: 'filtered' }
  | { readonly kind: 'tool_call' };

/** One request as the upstream saw it: its own log, independent of the product's. */
export interface SeenRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly atMs: number;
  /** Resolves when the answer was sent whole, or the caller went away. */
  readonly over: Promise<'sent' | 'aborted'>;
  /** When that was; undefined: not yet. */
  overAtMs?: number;
}
