import { type LanguageModelV4, type LanguageModelV4CallOptions } from '@ai-sdk/provider';

/** A request that a vendor's package would send. */
export interface CapturedRequest {
  /** With its search. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** A tool that the package gave the vendor by itself, so that it answers in JSON. */
  readonly jsonTool: string | undefined;
}

/**
 * The request that a vendor's package makes of a chat. The package writes it and never sees the answer: each has its own
 * idea of what an answer may look like, and this side has one for all of them.
 * @throws {Error} the package cannot ask the vendor for something in it, or wants to send it to another origin.
 */
export async function captureRequest(
  modelFor: (fetch: typeof globalThis.fetch) => LanguageModelV4,
  options: LanguageModelV4CallOptions,
  { stream, origin }: { readonly stream: boolean; readonly origin: string },
): Promise<CapturedRequest> {
  let captured: CapturedRequest | undefined;
  const model = modelFor((input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    // A package may want to fetch what stands in a prompt.
    if (url.origin !== origin) return Promise.reject(new Error('a request to another origin is refused'));
    if (typeof init.body === 'string')
      captured = {
        path: url.pathname + url.search,
        headers: Object.fromEntries(new Headers(init.headers)),
        body: init.body,
        jsonTool: jsonToolIn(init.body, options),
      };
    return Promise.reject(new Error('the request was captured'));
  });
  try {
    await (stream ? model.doStream(options) : model.doGenerate(options));
  } catch (error) {
    if (!captured) throw error;
  }
  if (!captured) throw new Error('no request was made');
  return captured;
}

interface SentTools {
  readonly tools?: readonly {
    readonly name?: string;
    readonly functionDeclarations?: readonly { readonly name?: string }[];
  }[];
}

/** Only where a schema was asked for, and then what the caller did not bring. */
function jsonToolIn(body: string, { responseFormat, tools = [] }: LanguageModelV4CallOptions): string | undefined {
  if (responseFormat?.type !== 'json') return undefined;
  const own = new Set(tools.map(({ name }) => name));
  const sent = ((JSON.parse(body) as SentTools).tools ?? []).flatMap(({ name, functionDeclarations = [] }) => [
    name,
    ...functionDeclarations.map((declared) => declared.name),
  ]);
  return sent.find((name) => name !== undefined && !own.has(name));
}
