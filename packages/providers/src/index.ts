import { anthropic } from './anthropic/index.ts';
import { withContainers } from './container/index.ts';
import { gguf } from './gguf/index.ts';
import { google } from './google/index.ts';
import { MemoryBudget } from './memory-budget.ts';
import { ocr } from './ocr/index.ts';
import { openAi } from './openai/index.ts';
import { openAiCompatible } from './openai-compatible/index.ts';
import type { Provider } from './port.ts';
import { whisper } from './whisper/index.ts';

export * from './port.ts';
export { openEgress } from './egress/index.ts';
export { parseJson } from './chat/unreadable.ts';
export { soundDelta, soundOutcome } from './sound-outcome.ts';
export { inspectGguf, measureSpeed, type GgufInspection, type MeasuredSpeed } from './gguf/inspect.ts';

/** Settings of all providers. */
export interface ProviderOptions {
  /** What a relative `local.path` is relative to. */
  readonly dataDir: string;
  /** Threads of one gguf model; 0: half of the machine's. */
  readonly threads: number;
  /** What models in processes of this one may take together, in bytes; absent: three quarters of the machine's memory. */
  readonly modelMemoryBytes?: number;
  /** Socket of the engine that runs containers. */
  readonly containerEngine?: string;
}

const defaultEngine = 'unix:///var/run/docker.sock';

/** All providers by the name that documents use. A new one is a folder and a line here. */
export function createProviders({
  dataDir,
  threads,
  modelMemoryBytes,
  containerEngine: engine = defaultEngine,
}: ProviderOptions): ReadonlyMap<string, Provider> {
  const budget = new MemoryBudget(modelMemoryBytes);
  const all = [
    withContainers(openAiCompatible, { engine }),
    openAi,
    anthropic,
    google,
    gguf({ dataDir, threads, budget }),
    ocr({ dataDir, budget }),
    whisper({ dataDir, threads, budget }),
  ];
  return new Map(all.map((provider) => [provider.name, provider]));
}
