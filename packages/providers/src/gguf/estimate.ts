import { inMib } from '../machine-memory.ts';
import type { GgufModel } from './describe-file.ts';

/** The memory that a model takes once loaded, in bytes, by what it is taken for. */
export interface MemoryEstimate {
  readonly weights: number;
  /** Keys and values of the whole context, for all calls at once. */
  readonly context: number;
  /** What llama.cpp computes in. */
  readonly buffers: number;
  /** The process around it. */
  readonly process: number;
  readonly total: number;
}

const mib = 1024 * 1024;
/** llama.cpp takes this many tokens of a prompt at once, node-llama-cpp's default. */
const batchTokens = 512;
const leastBufferBytes = 64 * mib;
/** Node with the bindings and nothing loaded: measured 115 to 135 MiB. */
const processBytes = 128 * mib;

/**
 * Memory of a model before it is loaded. Weights: all tensors. Context: keys and values, 16 bits each, for every token of
 * every sequence. Buffers: one batch of logits and four of the hidden width, 32 bits each, at least 64 MiB.
 */
export function estimateMemory(model: GgufModel, contextTokens: number, sequences: number): MemoryEstimate {
  const tokens = contextTokens * sequences;
  const context = model.keyValueBytesPerToken * tokens;
  const perToken = (model.vocabulary + 4 * model.width) * 4;
  const buffers = Math.max(leastBufferBytes, Math.min(batchTokens, tokens) * perToken);
  const weights = model.weightBytes;
  return { weights, context, buffers, process: processBytes, total: weights + context + buffers + processBytes };
}

/** In MiB, as an operator reads it: "812 MiB (weights 270, context 180, buffers 234, process 128)". */
export function estimateInWords({ weights, context, buffers, process, total }: MemoryEstimate): string {
  const parts = Object.entries({ weights, context, buffers, process }).map(
    ([what, bytes]) => `${what} ${inMib(bytes)}`,
  );
  return `${inMib(total)} MiB (${parts.join(', ')})`;
}
