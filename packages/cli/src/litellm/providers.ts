/** Where a prefix of LiteLLM's model names leads here. */
export interface Destination {
  readonly provider: 'openai-compatible' | 'anthropic' | 'google';
  /** The address where the file states none; absent: the file must, or the provider has its own. */
  readonly endpoint?: string;
  /** What an address of this kind ends in here, and may lack there. */
  readonly version: string;
}

const compatible = (endpoint?: string, version = ''): Destination => ({
  provider: 'openai-compatible',
  version,
  ...(endpoint !== undefined && { endpoint }),
});

/** Prefixes whose protocol is spoken here. Others, such as azure or bedrock, sign or address their calls in ways of their own. */
export const destinations: ReadonlyMap<string, Destination> = new Map([
  ['openai', compatible('https://api.openai.com/v1')],
  ['anthropic', { provider: 'anthropic', version: '/v1' }],
  ['gemini', { provider: 'google', version: '/v1beta' }],
  ['groq', compatible('https://api.groq.com/openai/v1')],
  ['mistral', compatible('https://api.mistral.ai/v1')],
  ['deepseek', compatible('https://api.deepseek.com/v1')],
  ['openrouter', compatible('https://openrouter.ai/api/v1')],
  ['xai', compatible('https://api.x.ai/v1')],
  ['ollama', compatible('http://localhost:11434/v1', '/v1')],
  ['ollama_chat', compatible('http://localhost:11434/v1', '/v1')],
  ['hosted_vllm', compatible()],
  ['lm_studio', compatible()],
  ['openai_like', compatible()],
]);
