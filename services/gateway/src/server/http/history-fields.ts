import type { UnknownField } from './unknown-fields.ts';

/** Hints and bookkeeping beside a request. */
const beside: ReadonlySet<string> = new Set(['context_management', 'client_metadata', 'diagnostics', 'cache_control']);

/** Within messages, their parts and tools. */
const within: ReadonlySet<string> = new Set([
  // What an earlier answer carried, and libraries send back with it.
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'reasoning_text',
  'reasoning_signature',
  'thinking',
  'thinking_blocks',
  'thought_signature',
  'signature',
  'encrypted_content',
  'provider_specific_fields',
  'provider_metadata',
  'providerMetadata',
  'experimental_providerMetadata',
  'provider_options',
  'providerOptions',
  'extra_content',
  'annotations',
  'citations',
  'logprobs',
  'parsed',
  'parsed_arguments',
  'parsed_output',
  'finish_reason',
  'stop_reason',
  'phase',
  'status',
  'index',
  'caller',
  'refusal',
  'name',
  'id',
  'namespace',
  'toolset_name',
  // How tools are loaded and shown, not what they do.
  'eager_input_streaming',
  'defer_loading',
  'input_examples',
  'allowed_callers',
  'output_schema',
  // Hints for caches and images.
  'cache_control',
  'prompt_cache_breakpoint',
  'transformations',
]);

/** True of a field that says nothing that an answer depends on: it is dropped without a notice. */
export const isHistory = ({ path }: UnknownField): boolean =>
  (path.length === 1 ? beside : within).has(path.at(-1) as string);
