import { anthropic } from './anthropic/index.ts';
import { gguf, type GgufOptions } from './gguf/index.ts';
import { google } from './google/index.ts';
import { openAiCompatible } from './openai-compatible/index.ts';
import type { Provider } from './port.ts';

export * from './port.ts';

/** All providers by the name that documents use. A new one is a folder and a line here. */
export function createProviders(options: GgufOptions): ReadonlyMap<string, Provider> {
  return new Map([openAiCompatible, anthropic, google, gguf(options)].map((provider) => [provider.name, provider]));
}
