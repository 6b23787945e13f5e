import { type LanguageModelV4CallOptions } from '@ai-sdk/provider';

/** A request that a vendor's package would send. */
export interface CapturedRequest {
  /** With its search. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The request that a vendor's package makes. The package writes it and never sees the answer: each has its own idea of
 * what an answer may look like, and this side has one for all of them.
 * @throws {Error} the package cannot ask the vendor for something in it, or wants to send it to another origin.
 */
export async function captureRequest(
  ask: (fetch: typeof globalThis.fetch) => PromiseLike<unknown>,
  origin: string,
): Promise<CapturedRequest> {
  let captured: CapturedRequest | undefined;
  const capture = async (input: unknown, { body, headers }: RequestInit = {}): Promise<never> => {
    const url = new URL(String(input));
    // A package may want to fetch what stands in a prompt.
    if (url.origin === origin && typeof body === 'string')
      captured = {
        path: url.pathname + url.search,
        headers: { ...Object.fromEntries(new Headers(headers)), 'accept-encoding': 'identity' },
        body,
      };
    throw new Error('nothing is sent from here');
  };
  await Promise.resolve(ask(capture)).catch(() => {});
  if (!captured) throw new Error('no request was made');
  return captured;
}

/** A tool that the package gave the vendor by itself, so that it answers in JSON: one that the caller did not bring. */
export function jsonToolIn(
  { body }: CapturedRequest,
  { responseFormat, tools = [] }: LanguageModelV4CallOptions,
): string | undefined {
  if (responseFormat?.type !== 'json') return undefined;
  const own = new Set(tools.map(({ name }) => name));
  const { tools: sent = [] } = JSON.parse(body) as { readonly tools?: readonly { readonly name?: string }[] };
  return sent.map(({ name }) => name).find((name) => name !== undefined && !own.has(name));
}
