import type { Model } from '@will/core';
import { openLocalModel } from '../local-process/connection.ts';
import { inMib } from '../machine-memory.ts';
import { MemoryBudget, type Tenant } from '../memory-budget.ts';
import { pathWithin, defaultThreads } from '../model-file.ts';
import { type Provider, ProviderConfigError } from '../port.ts';
import { describeGguf, type GgufModel } from './describe-file.ts';
import { estimateInWords, estimateMemory, type MemoryEstimate } from './estimate.ts';
import { readInput } from './input.ts';
import type { LoadOptions } from './protocol.ts';

/** Settings of gguf models. */
export interface GgufOptions {
  /** What a relative `local.path` is relative to. */
  readonly dataDir: string;
  /** Threads of one model; 0: half of the machine's. */
  readonly threads: number;
  /** The memory that its models share, also with those of other providers. Default: one of its own. */
  readonly budget?: MemoryBudget;
}

const maxSequences = 8;

/** A gguf file, computed by llama.cpp in a process of its own. */
export function gguf(options: GgufOptions): Provider {
  const budget = options.budget ?? new MemoryBudget();
  return {
    name: 'gguf',
    async open(model) {
      const path = pathOf(model, options.dataDir);
      const file = await describeGguf(path, model.document.local?.path);
      const load = loadOptionsOf(model, path, file, options);
      const sequences = load.sequences + (load.isForVectors ? 1 : 0);
      const memory = memoryOf(model, estimateMemory(file, load.contextTokens, sequences));
      return openLocalModel(
        {
          slug: model.slug,
          program: new URL('./child.ts', import.meta.url),
          options: load,
          concurrency: Math.max(1, load.sequences),
          memory,
          beforeLoad: async () => {
            const now = await describeGguf(path, model.document.local?.path);
            const { bytes, inWords } = memoryOf(model, estimateMemory(now, load.contextTokens, sequences));
            if (bytes > memory.bytes)
              throw new ProviderConfigError(
                `its file has grown: it needs ${inWords} now, more than when it was opened`,
              );
          },
          readInput: (call) => readInput(call, load),
        },
        budget,
      );
    },
  };
}

function pathOf(model: Model, dataDir: string): string {
  const path = model.document.local?.path;
  if (path === undefined) throw new ProviderConfigError(`model ${model.slug} has no local.path`);
  return pathWithin(dataDir, path);
}

function loadOptionsOf(model: Model, path: string, file: GgufModel, { threads }: GgufOptions): LoadOptions {
  return {
    path,
    threads: threads > 0 ? threads : defaultThreads(),
    sequences: model.output.has('text') ? Math.min(maxSequences, model.concurrency ?? 1) : 0,
    isForVectors: model.output.has('embedding'),
    contextTokens: contextTokensOf(file, model.contextTokens),
    gpu: gpuOf(model.document.local?.device),
  };
}

function gpuOf(device: 'cpu' | 'gpu' | 'either' | undefined): LoadOptions['gpu'] {
  if (device === 'cpu') return false;
  return device === 'gpu' ? 'required' : 'auto';
}

/** Tokens that a context is made for: as many as the document states, else at most 4,096; never more than the model has. */
export function contextTokensOf(file: GgufModel, stated: number | undefined): number {
  return Math.min(file.contextTokens ?? Infinity, stated ?? defaultContextTokens);
}

/** Memory grows with the context: where nobody asks for more, it is no larger. */
const defaultContextTokens = 4_096;

/** What the document states counts, and otherwise the estimate; but nothing takes less than its weights. */
function memoryOf({ document }: Model, estimate: MemoryEstimate): Pick<Tenant, 'bytes' | 'inWords'> {
  const stated = document.local?.memory_mb;
  if (stated === undefined) return { bytes: estimate.total, inWords: estimateInWords(estimate) };
  const bytes = Math.max(stated * 1024 * 1024, estimate.weights);
  return { bytes, inWords: `${inMib(bytes)} MiB (local.memory_mb ${stated})` };
}
