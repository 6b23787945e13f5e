import type { Model } from '@will/core';

/** The fields that a connection depends on: a change of anything else keeps it. */
export function wiringOf({ document }: Model): string {
  const { provider, provider_model, endpoint, api_key, call_method, local, limits } = document;
  const { max_output_tokens: maximum, max_tokens_field: field } = document;
  const at = [provider, provider_model, endpoint, api_key, call_method, local];
  return JSON.stringify([at, limits?.concurrency, maximum, field]);
}
