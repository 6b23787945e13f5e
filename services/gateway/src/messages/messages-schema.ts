import { z } from 'zod';
import type { RefusedFields } from '../http/check-fields.ts';

/** Fields of Anthropic's request that this door cannot honour. */
export const refusedFields: RefusedFields = {
  top_k: { harmless: () => false, instead: 'is not offered: not every model that may answer knows it' },
  container: { harmless: () => false, instead: 'is not offered' },
  inference_geo: { harmless: () => false, instead: 'say so by the documents: data_residency' },
  mcp_servers: { harmless: (value) => Array.isArray(value) && value.length === 0, instead: 'is not offered' },
};

/** A hint that no answer depends on. */
const cacheControl = z.looseObject({ type: z.string() }).nullish();
const text = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  cache_control: cacheControl,
  citations: z.array(z.unknown()).nullish(),
  parsed_output: z.unknown().optional(),
});
const image = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('base64'),
      media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: z.string().regex(/^[A-Za-z0-9+/]+=*$/),
    }),
    z.strictObject({ type: z.literal('url'), url: z.string() }),
  ]),
  cache_control: cacheControl,
});
const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  cache_control: cacheControl,
  caller: z.unknown().optional(),
});
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(text)]).nullish(),
  is_error: z.boolean().nullish(),
  cache_control: cacheControl,
});
/** What a model thought in an earlier turn: accepted, since libraries send it back, and not passed on. */
const thinking = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() });
const redacted = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() });

const message = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image, toolResult])).min(1)]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, toolUse, thinking, redacted])).min(1)]),
  }),
]);

const tool = z.strictObject({
  type: z.literal('custom').nullish(),
  name: z.string(),
  description: z.string().nullish(),
  input_schema: z.looseObject({ type: z.literal('object') }),
  strict: z.boolean().nullish(),
  cache_control: cacheControl,
});
const notParallel = z.boolean().nullish();

/** `POST /v1/messages`, closed. Fields that are null count as absent and are taken out before. */
export const messagesSchema = z.strictObject({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(4_096),
  max_tokens: z.int().min(1).max(10_000_000),
  system: z.union([z.string(), z.array(text)]).optional(),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  stop_sequences: z.array(z.string()).max(4).optional(),
  tools: z.array(tool).max(128).optional(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('auto'), disable_parallel_tool_use: notParallel }),
      z.strictObject({ type: z.literal('any'), disable_parallel_tool_use: notParallel }),
      z.strictObject({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: notParallel }),
      z.strictObject({ type: z.literal('none') }),
    ])
    .optional(),
  thinking: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1), display: z.string().nullish() }),
      z.strictObject({ type: z.literal('disabled') }),
      z.strictObject({ type: z.literal('adaptive'), display: z.string().nullish() }),
    ])
    .optional(),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.strictObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).nullish(),
    })
    .optional(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  cache_control: cacheControl.optional(),
});

export type MessagesBody = z.infer<typeof messagesSchema>;
