import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import { areTexts, failureOf, readTaskInput, vectorsToBytes } from '@will/core';
import { abortedBy, failed, type ModelCall, type ProviderOutcome, spentIn } from '../port.ts';
import { mediaSize, usageOf } from '../usage.ts';
import type { EgressFetch } from './egress-fetch.ts';
import { failureFrom } from './failure.ts';

/** One call of a vendor's model of embeddings, in as many requests as the vendor needs for so many texts. */
export async function embeddingCall(
  model: EmbeddingModelV4,
  network: EgressFetch,
  call: ModelCall,
  signal: AbortSignal,
): Promise<ProviderOutcome> {
  const input = readTaskInput('embedding', parse(call.input));
  if (!input) return failed(failureOf('bad_request', { detail: 'the input is no embedding' }));
  if (!areTexts(input.input))
    return failed(failureOf('bad_request', { detail: 'ids of tokens are not taken: send texts' }));
  const texts = { ...input, input: input.input };
  const { promise: early, resolve } = Promise.withResolvers<ProviderOutcome>();
  const onAbort = (): void => resolve(failed(failureOf(abortedBy(signal))));
  const timer = setTimeout(() => resolve(failed(failureOf('first_token_timeout'))), call.firstContentTimeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  const vectors = embed(model, texts, call).catch((error: unknown) =>
    failed(
      failureFrom({
        error,
        failedCode: network.failedCode,
        status: network.status,
        hasContent: false,
        nowMs: Date.now(),
      }),
    ),
  );
  const outcome = await Promise.race([vectors, early]);
  clearTimeout(timer);
  signal.removeEventListener('abort', onAbort);
  if (!outcome.ok) network.abort();
  return outcome;
}

async function embed(
  model: EmbeddingModelV4,
  input: { readonly input: readonly string[]; readonly dimensions?: number },
  call: ModelCall,
): Promise<ProviderOutcome> {
  const most = (await model.maxEmbeddingsPerCall) ?? input.input.length;
  const vectors: number[][] = [];
  let tokens: number | undefined = 0;
  let headers: Readonly<Record<string, string>> | undefined;
  for (let at = 0; at < input.input.length; at += most) {
    const values = input.input.slice(at, at + most);
    const answer = await model.doEmbed({
      values: [...values],
      ...(input.dimensions !== undefined && { dimensions: input.dimensions }),
    });
    if (answer.embeddings.length !== values.length) return failed(failureOf('bad_response', { httpStatus: 200 }));
    vectors.push(...answer.embeddings);
    tokens = tokens === undefined || !answer.usage ? undefined : tokens + answer.usage.tokens;
    headers = answer.response?.headers;
  }
  const dimensions = vectors[0]?.length ?? 0;
  if (dimensions === 0 || !vectors.every((vector) => vector.length === dimensions && vector.every(Number.isFinite)))
    return failed(failureOf('bad_response', { httpStatus: 200 }));
  const chars = input.input.reduce((sum, text) => sum + text.length, 0);
  return {
    ok: true,
    finish: 'stop',
    usage: usageOf(
      tokens === undefined ? undefined : { input: [tokens], output: [0] },
      mediaSize({ textChars: chars, body: call.input }, { bytes: 0, chars: 0 }),
    ),
    output: {
      text: JSON.stringify({ count: vectors.length, dimensions }),
      data: vectorsToBytes(vectors),
      dataType: 'application/x-float32',
    },
    ...spentIn(headers),
  };
}

function parse(input: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(input).toString());
  } catch {
    return undefined;
  }
}
