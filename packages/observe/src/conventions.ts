/**
 * The release of OpenTelemetry's GenAI semantic conventions that names here follow, and the core conventions it depends on.
 * The GenAI conventions are in development: names change with these lines and nowhere else. They are written out, since no
 * package holds them.
 */
export const genAiConventions = '0.1.0';
export const semanticConventions = '1.45.0';

/** The address where the names, units and attributes of spans and metrics are described. */
export const schemaUrl = `https://opentelemetry.io/schemas/gen-ai/${genAiConventions}`;

/** Attributes of calls to models. Nothing that could hold what was said: no inputs, outputs, instructions or tools. */
export const genAi = {
  operationName: 'gen_ai.operation.name',
  providerName: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  requestStream: 'gen_ai.request.stream',
  responseModel: 'gen_ai.response.model',
  responseFinishReasons: 'gen_ai.response.finish_reasons',
  responseTimeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  usageInputTokens: 'gen_ai.usage.input_tokens',
  usageOutputTokens: 'gen_ai.usage.output_tokens',
  usageCacheReadInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  usageCacheWriteInputTokens: 'gen_ai.usage.cache_write.input_tokens',
  usageReasoningOutputTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenModality: 'gen_ai.token.modality',
} as const;

/** Names of metrics of calls to models. */
export const genAiMetrics = {
  inferenceDuration: 'gen_ai.client.inference.duration',
  timeToFirstChunk: 'gen_ai.client.inference.time_to_first_chunk',
  timePerOutputChunk: 'gen_ai.client.inference.time_per_output_chunk',
  inputTokens: 'gen_ai.client.inference.usage.input_tokens',
  outputTokens: 'gen_ai.client.inference.usage.output_tokens',
  cacheReadInputTokens: 'gen_ai.client.inference.usage.cache_read.input_tokens',
  cacheWriteInputTokens: 'gen_ai.client.inference.usage.cache_write.input_tokens',
  reasoningOutputTokens: 'gen_ai.client.inference.usage.reasoning.output_tokens',
  operationInputTokens: 'gen_ai.client.inference.operation.input_tokens',
  operationOutputTokens: 'gen_ai.client.inference.operation.output_tokens',
  embeddingsDuration: 'gen_ai.client.embeddings.duration',
  embeddingsInputTokens: 'gen_ai.client.embeddings.operation.input_tokens',
} as const;

/** Names of the release before, that of core conventions 1.45.0; for one release, by `WILL_GENAI_METRICS`. */
export const previousGenAi = {
  tokenType: 'gen_ai.token.type',
  operationDuration: 'gen_ai.client.operation.duration',
  timeToFirstChunk: 'gen_ai.client.operation.time_to_first_chunk',
  tokenUsage: 'gen_ai.client.token.usage',
} as const;
