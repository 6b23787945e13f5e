import { defaultModelMemory } from '../machine-memory.ts';
import type { ModelConnection } from '../port.ts';
import { describeGguf, type GgufModel } from './describe-file.ts';
import { estimateInWords, estimateMemory } from './estimate.ts';
import { contextTokensOf } from './index.ts';

/** Facts of a gguf file. */
export interface GgufInspection {
  readonly model: GgufModel;
  /** Of each call. */
  readonly contextTokens: number;
  readonly neededBytes: number;
  readonly neededInWords: string;
  /** What models may take together on this machine where no setting says otherwise. */
  readonly allowedBytes: number;
}

/**
 * Inspects a model's file, and estimates what it would take here, without loading it.
 * @throws {ProviderConfigError} it is no model that can be read.
 */
export async function inspectGguf(
  path: string,
  { contextTokens, concurrency }: { readonly contextTokens: number | undefined; readonly concurrency: number },
): Promise<GgufInspection> {
  const model = await describeGguf(path);
  const tokens = contextTokensOf(model, contextTokens);
  const estimate = estimateMemory(model, tokens, concurrency);
  return {
    model,
    contextTokens: tokens,
    neededBytes: estimate.total,
    neededInWords: estimateInWords(estimate),
    allowedBytes: defaultModelMemory(),
  };
}

/** Speed of a gguf model on this machine. */
export interface MeasuredSpeed {
  readonly tokensPerSecond: number;
  /** Until the first text, milliseconds. */
  readonly firstContentMs: number;
  readonly outputTokens: number;
}

const measuredTokens = 64;
const measureTimeoutMs = 120_000;

/** Lets a loaded model talk for a moment. Undefined: it gave no answer that could be measured. */
export async function measureSpeed(connection: ModelConnection): Promise<MeasuredSpeed | undefined> {
  const messages = [{ role: 'user', content: 'Tell me in a few sentences how a river finds its way to the sea.' }];
  const startMs = performance.now();
  let firstMs: number | undefined;
  const outcome = await connection.run(
    {
      inputKind: 'chat',
      input: new TextEncoder().encode(JSON.stringify({ messages, seed: 1 })),
      stream: true,
      maxOutputTokens: measuredTokens,
      firstContentTimeoutMs: measureTimeoutMs,
      idleTimeoutMs: measureTimeoutMs,
    },
    () => {
      firstMs ??= performance.now();
    },
    AbortSignal.timeout(measureTimeoutMs),
  );
  if (!outcome.ok || firstMs === undefined || outcome.usage.outputTokens < 2) return undefined;
  const { outputTokens } = outcome.usage;
  const seconds = (performance.now() - firstMs) / 1_000;
  // The first token came with the input's computing.
  const tokensPerSecond = (outputTokens - 1) / Math.max(0.001, seconds);
  return {
    tokensPerSecond: Math.round(tokensPerSecond * 10) / 10,
    firstContentMs: Math.round(firstMs - startMs),
    outputTokens,
  };
}
