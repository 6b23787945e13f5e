import { z } from 'zod';

const cacheControl = z.looseObject({ type: z.string() }).nullish();
const text = z.object({ type: z.literal('text'), text: z.string(), cache_control: cacheControl });
const image = z.object({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('base64'),
      media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: z.string().regex(/^[A-Za-z0-9+/]+=*$/),
    }),
    z.object({ type: z.literal('url'), url: z.string() }),
  ]),
  cache_control: cacheControl,
});
/** Documents whose words stand in the request. Those that a vendor would have to open are refused. */
const document = z.object({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.object({ type: z.literal('text'), media_type: z.literal('text/plain').nullish(), data: z.string() }),
    z.object({
      type: z.literal('content'),
      content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image]))]),
    }),
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
  citations: z.unknown().optional(),
  cache_control: cacheControl,
});
const searchResult = z.object({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(text),
  citations: z.unknown().optional(),
  cache_control: cacheControl,
});
const toolReference = z.object({
  type: z.literal('tool_reference'),
  tool_name: z.string(),
  cache_control: cacheControl,
});
const toolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.unknown().optional(),
  cache_control: cacheControl,
});
const toolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z
    .union([z.string(), z.array(z.discriminatedUnion('type', [text, image, document, searchResult, toolReference]))])
    .nullish(),
  is_error: z.boolean().nullish(),
  cache_control: cacheControl,
});
/** What a model thought in an earlier turn: only what it must see again beside its calls is passed on. */
const thinking = z.looseObject({ type: z.enum(['thinking', 'redacted_thinking']) });

const message = z.discriminatedUnion('role', [
  z.object({
    role: z.literal('user'),
    content: z.union([
      z.string(),
      z.array(z.discriminatedUnion('type', [text, image, document, searchResult, toolResult])).min(1),
    ]),
  }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image, toolUse, thinking]))]),
  }),
  z.object({ role: z.literal('system'), content: z.union([z.string(), z.array(text).min(1)]) }),
]);

const tool = z.object({
  type: z.literal('custom').nullish(),
  name: z.string(),
  description: z.string().nullish(),
  input_schema: z.looseObject({ type: z.literal('object') }),
  strict: z.boolean().nullish(),
  cache_control: cacheControl,
});
/** A tool that Anthropic runs, or describes itself. */
const vendorTool = z.looseObject({
  type: z
    .string()
    .max(64)
    .refine((type) => type !== 'custom'),
  name: z.string().nullish(),
});
const notParallel = z.boolean().nullish();

const shape = {
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(4_096),
  system: z.union([z.string(), z.array(text)]).optional(),
  tools: z
    .array(z.union([tool, vendorTool]))
    .max(1_024)
    .optional(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('auto'), disable_parallel_tool_use: notParallel }),
      z.object({ type: z.literal('any'), disable_parallel_tool_use: notParallel }),
      z.object({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: notParallel }),
      z.object({ type: z.literal('none') }),
    ])
    .optional(),
  // Ways of thinking come and go: only a budget says how much is wanted.
  thinking: z
    .object({ type: z.string().max(32), budget_tokens: z.int().min(1).nullish(), display: z.string().nullish() })
    .optional(),
  output_config: z
    .object({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.object({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).nullish(),
    })
    .optional(),
  cache_control: cacheControl.optional(),
};

/** `POST /v1/messages`. Fields that are null count as absent and are taken out before. */
export const messagesSchema = z.object({
  ...shape,
  max_tokens: z.int().min(1).max(10_000_000),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  stop_sequences: z.array(z.string()).max(64).optional(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
});

/** `POST /v1/messages/count_tokens`. */
export const countTokensSchema = z.object(shape);

/** The body of a request for messages. */
export type MessagesBody = z.infer<typeof messagesSchema>;
/** The body of a request to count tokens. */
export type CountTokensBody = z.infer<typeof countTokensSchema>;
