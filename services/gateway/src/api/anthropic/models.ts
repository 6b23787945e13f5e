import type { IncomingHttpHeaders } from 'node:http';
import type { ShownModel } from '../openai/models.ts';

/** True of a request from a library of Anthropic's form. */
export const asksAnthropic = (headers: IncomingHttpHeaders): boolean => headers['anthropic-version'] !== undefined;

/** Anthropic's model object. What is not known is null there. */
export const anthropicModel = ({ id, name, created, context_length, max_output_tokens }: ShownModel): object => ({
  type: 'model',
  id,
  display_name: name,
  created_at: new Date(created * 1000).toISOString(),
  max_input_tokens: context_length ?? null,
  max_tokens: max_output_tokens ?? null,
  capabilities: null,
  lifecycle: 'active',
  deprecated_at: null,
  retires_at: null,
  line: null,
});

/** The whole list on one page. */
export const anthropicList = (models: readonly ShownModel[]): object => ({
  data: models.map(anthropicModel),
  has_more: false,
  first_id: models[0]?.id ?? null,
  last_id: models.at(-1)?.id ?? null,
});
