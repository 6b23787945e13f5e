import { createAnthropic } from '@ai-sdk/anthropic';
import { sdkProvider } from '../ai-sdk/index.ts';
import { anthropicForm } from '../chat/anthropic-form.ts';
import { openEgress } from '../egress/index.ts';

/** Anthropic's Messages API, over a way out. */
export const anthropicOver = sdkProvider({
  name: 'anthropic',
  languageModel: ({ baseUrl, apiKey, model, fetch }) => createAnthropic({ baseURL: baseUrl, apiKey, fetch })(model),
  form: anthropicForm,
  healthCheckHeaders: (apiKey) => ({ 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' }),
  takesCacheMarks: true,
  needsMaximum: true,
  knowsJsonWithoutSchema: false,
  keptParts: (items) => ({
    before: items.map(({ thinking, signature, data }) => ({
      type: 'reasoning',
      text: typeof thinking === 'string' ? thinking : '',
      providerOptions: {
        anthropic: data === undefined ? { signature: String(signature) } : { redactedData: String(data) },
      },
    })),
  }),
  ownOptions: ({ parallel_tool_calls }) =>
    parallel_tool_calls === false ? { anthropic: { disableParallelToolUse: true } } : {},
});

/** Anthropic's Messages API. */
export const anthropic = anthropicOver(openEgress);
