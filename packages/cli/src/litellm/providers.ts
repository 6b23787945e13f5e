/** The provider and model that a prefix of LiteLLM's model names leads to here. */
export interface Destination {
  readonly provider: 'openai-compatible' | 'anthropic' | 'google';
  /** The address where the file states none; absent: the file must, or the provider has its own. */
  readonly endpoint?: string;
  /** What an address of this kind ends in here, and may lack there. */
  readonly version: string;
  /** Variables from which LiteLLM takes the address where the file states none. */
  readonly addressVariables: readonly string[];
  /** Variable from which LiteLLM takes the key where the file names none, of a vendor that needs one. */
  readonly keyVariable?: string;
}

const compatible = (endpoint?: string, addressVariables: readonly string[] = [], version = ''): Destination => ({
  provider: 'openai-compatible',
  version,
  addressVariables,
  ...(endpoint !== undefined && { endpoint }),
});

const ollama = compatible('http://localhost:11434/v1', ['OLLAMA_API_BASE'], '/v1');

/** Prefixes whose protocol is spoken here. Others, such as azure or bedrock, sign or address their calls in ways of their own. */
export const destinations: ReadonlyMap<string, Destination> = new Map([
  ['openai', compatible('https://api.openai.com/v1', ['OPENAI_BASE_URL', 'OPENAI_API_BASE'])],
  [
    'anthropic',
    {
      provider: 'anthropic',
      version: '/v1',
      addressVariables: ['ANTHROPIC_API_BASE', 'ANTHROPIC_BASE_URL'],
      keyVariable: 'ANTHROPIC_API_KEY',
    },
  ],
  [
    'gemini',
    {
      provider: 'google',
      version: '/v1beta',
      addressVariables: ['GEMINI_API_BASE'],
      keyVariable: 'GEMINI_API_KEY',
    },
  ],
  ['groq', compatible('https://api.groq.com/openai/v1', ['GROQ_API_BASE'])],
  ['mistral', compatible('https://api.mistral.ai/v1', ['MISTRAL_API_BASE', 'MISTRAL_AZURE_API_BASE'])],
  ['deepseek', compatible('https://api.deepseek.com/v1', ['DEEPSEEK_API_BASE'])],
  ['openrouter', compatible('https://openrouter.ai/api/v1', ['OPENROUTER_API_BASE'])],
  ['xai', compatible('https://api.x.ai/v1', ['XAI_API_BASE'])],
  ['ollama', ollama],
  ['ollama_chat', ollama],
  ['hosted_vllm', compatible(undefined, ['HOSTED_VLLM_API_BASE'])],
  ['lm_studio', compatible(undefined, ['LM_STUDIO_API_BASE'])],
  ['openai_like', compatible(undefined, ['OPENAI_LIKE_API_BASE'])],
]);

/** Names without a prefix that LiteLLM knows the vendor of. Any other bare name is an error there too. */
const bareNames: readonly (readonly [RegExp, string])[] = [
  [/^(gpt-|chatgpt-|o[1-9](-|$)|text-embedding-|whisper-|tts-|dall-e-|codex-|ft:gpt-|omni-)/i, 'openai'],
  [/^claude-/i, 'anthropic'],
  [/^gemini-/i, 'gemini'],
];

/** A model name of LiteLLM taken apart; `provider` is undefined where it says none and no vendor is known by it. */
export interface ModelName {
  readonly provider: string | undefined;
  /** What the provider calls it. */
  readonly model: string;
}

/** Takes `openai/gpt-4o` or `claude-sonnet-5` apart. `stated`: the deployment's `custom_llm_provider`, which wins. */
export function readModelName(name: string, stated: string | undefined): ModelName {
  const slash = name.indexOf('/');
  const prefix = slash < 0 ? undefined : name.slice(0, slash);
  if (stated !== undefined) return { provider: stated, model: prefix === stated ? name.slice(slash + 1) : name };
  if (prefix !== undefined) return { provider: prefix, model: name.slice(slash + 1) };
  return { provider: bareNames.find(([pattern]) => pattern.test(name))?.[1], model: name };
}
