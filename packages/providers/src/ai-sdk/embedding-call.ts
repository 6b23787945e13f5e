import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import { areTexts, failureOf, readTaskInput } from '@will/core';
import { type Fields, parseJson } from '../chat/unreadable.ts';
import type { Egress } from '../egress/index.ts';
import { MediaCall } from '../openai-compatible/media-call.ts';
import type { MediaRequest } from '../openai-compatible/media-request.ts';
import { vectorsContent } from '../openai-compatible/vectors.ts';
import { abortedBy, failed, type ModelCall, type ProviderOutcome } from '../port.ts';
import { estimatedUsage, mediaSize } from '../usage.ts';
import { captureRequest } from './captured-request.ts';

/** A vendor's model of embeddings. */
export interface EmbeddingModel {
  /** The most texts that it takes at once. */
  readonly textsPerRequest: number;
  readonly origin: string;
  model(fetch: typeof globalThis.fetch): EmbeddingModelV4;
  /** The vectors of an answer, of whatever shape. */
  vectorsIn(answer: Fields): readonly unknown[];
}

/** One call of a vendor's model of embeddings, in as many requests as the vendor needs for so many texts. */
export async function embeddingCall(
  egress: Egress,
  embedding: EmbeddingModel,
  call: ModelCall,
  signal: AbortSignal,
): Promise<ProviderOutcome> {
  const read = readTaskInput('embedding', parseJson(call.input));
  if (!read) return failed(failureOf('bad_request', { detail: 'the input is no embedding' }));
  const { input: texts, ...size } = read;
  if (!areTexts(texts)) return failed(failureOf('bad_request', { detail: 'ids of tokens are not taken: send texts' }));
  const vectors: unknown[] = [];
  const ask = async (values: readonly string[]): Promise<ProviderOutcome> => {
    const request = await captureRequest(
      (fetch) => embedding.model(fetch).doEmbed({ values: [...values], ...size }),
      embedding.origin,
    );
    if (signal.aborted) return failed(failureOf(abortedBy(signal)));
    const media: MediaRequest = {
      ...request,
      contentType: 'application/json',
      textChars: 0,
      read(answer) {
        const found = embedding.vectorsIn(parseJson(answer.toString()) as Fields);
        vectors.push(...found);
        const content = vectorsContent(found, values.length);
        return content && { content, usage: undefined };
      },
    };
    return new MediaCall(egress, request, media, call, signal).outcome;
  };
  let at = 0;
  let outcome: ProviderOutcome;
  do outcome = await ask(texts.slice(at, (at += embedding.textsPerRequest)));
  while (outcome.ok && at < texts.length);
  if (!outcome.ok) return outcome;
  const output = vectorsContent(vectors, texts.length);
  if (!output) return failed(failureOf('bad_response', { httpStatus: 200 }));
  const textChars = texts.reduce((sum, text) => sum + text.length, 0);
  return {
    ...outcome,
    output,
    usage: estimatedUsage(mediaSize({ textChars, body: call.input }, { bytes: 0, chars: 0 })),
  };
}
