import { isFalse, isPublicOrInline, noValue, publicOrInlineInWords, type RefusedFields, saysNothing } from '@will/core';
import { z } from 'zod';

/** Fields of OpenAI's request that this server cannot honour, with what to do instead. A value that asks for nothing is fine. */
export const refusedFields: RefusedFields = {
  functions: { harmless: saysNothing, instead: 'use tools' },
  function_call: { harmless: (value) => value === 'auto' || value === 'none', instead: 'use tool_choice' },
  logprobs: { harmless: isFalse, instead: 'must be false: probabilities are not passed on' },
  top_logprobs: { harmless: (value) => value === 0, instead: 'must be 0: probabilities are not passed on' },
  logit_bias: { harmless: saysNothing, instead: 'must be empty: token ids differ between the models that may answer' },
  audio: { harmless: noValue, instead: 'only text comes back' },
  modalities: { harmless: isTextOnly, instead: 'must be ["text"]: only text comes back' },
  moderation: { harmless: noValue, instead: 'is not offered' },
  n: { harmless: (value) => value === 1, instead: 'must be 1' },
  web_search_options: { harmless: noValue, instead: 'is not offered' },
};

function isTextOnly(value: unknown): boolean {
  return Array.isArray(value) && value.length === 1 && value[0] === 'text';
}

/**
 * Fields that say something to the server, or are hints that no answer depends on. They do not travel to a model: the
 * task has its own place for them, or nobody who answers needs to know.
 */
const serverFields = new Set([
  ...Object.keys(refusedFields),
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'metadata',
  'service_tier',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'prediction',
]);
/** True of a field that the gateway reads itself and no model is sent. */
export const staysInGateway = (field: string): boolean => serverFields.has(field);

/** Of functions: Anthropic's libraries and OpenAI's newer form take names of this length. */
const functionName = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/);
const name = z.string().max(4_096).nullish();
const cacheControl = z.looseObject({ type: z.string() }).nullish();
const text = z.object({ type: z.literal('text'), text: z.string(), cache_control: cacheControl });
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() });
const url = z.string().refine(isPublicOrInline, publicOrInlineInWords);
const image = z.object({
  type: z.literal('image_url'),
  image_url: z.union([url, z.object({ url, detail: z.string().max(32).nullish() })]),
  cache_control: cacheControl,
});
const audio = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({ data: z.string(), format: z.enum(['wav', 'mp3']) }),
  cache_control: cacheControl,
});
/** What a model thought in an earlier turn: accepted, since libraries send it back, and not passed on. */
const thought = z.looseObject({ type: z.enum(['thinking', 'redacted_thinking', 'reasoning']) });

/** Images beside the content, as some gateways answer with them and Ollama's form has them: parts, URLs or bare base64. */
const images = z.array(z.union([z.string(), image])).nullish();
const instruction = <R extends 'system' | 'developer'>(role: R) =>
  z.object({
    role: z.literal(role),
    content: z.union([z.string(), z.array(text).min(1)]),
    name,
    cache_control: cacheControl,
  });

/** What a model must see again beside its call: Google's field, which libraries send back. */
const extraContent = z
  .looseObject({ google: z.looseObject({ thought_signature: z.string().nullish() }).nullish() })
  .nullish();

const call = z.object({
  id: z.string(),
  extra_content: extraContent,
  type: z.literal('function').nullish(),
  // Some servers give an object, and libraries send back what they were given.
  function: z.object({ name: functionName, arguments: z.union([z.string(), z.record(z.string(), z.unknown())]) }),
});
const customCall = z.object({
  id: z.string(),
  type: z.literal('custom'),
  custom: z.object({ name: functionName, input: z.string() }),
});

const message = z.discriminatedUnion('role', [
  instruction('system'),
  instruction('developer'),
  z.object({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image, audio])).min(1)]),
    name,
    images,
    cache_control: cacheControl,
  }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, refusal, image, thought]))]).nullish(),
    name,
    refusal: z.string().nullish(),
    tool_calls: z.array(z.union([call, customCall])).nullish(),
    images,
    cache_control: cacheControl,
  }),
  z.object({
    role: z.literal('tool'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image]))]).nullish(),
    tool_call_id: z.string(),
    images,
    cache_control: cacheControl,
  }),
]);

const functionTool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: functionName,
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
    cache_control: cacheControl,
  }),
  cache_control: cacheControl,
});
/** A vendor's own tool, which no model here can run. */
const vendorTool = z.looseObject({
  type: z
    .string()
    .max(64)
    .refine((type) => type !== 'function'),
});

const maxTokens = 10_000_000;

/** `POST /v1/chat/completions`. Fields that are null count as absent and are taken out before. */
export const chatSchema = z.object({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(4_096),
  stream: z.boolean().optional(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .optional(),
  max_tokens: z.int().min(1).max(maxTokens).optional(),
  max_completion_tokens: z.int().min(1).max(maxTokens).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  stop: z.union([z.string(), z.array(z.string()).max(64)]).optional(),
  seed: z.int().optional(),
  tools: z
    .array(z.union([functionTool, vendorTool]))
    .max(1_024)
    .optional(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: functionName }) }),
      z.object({
        type: z.literal('allowed_tools'),
        allowed_tools: z.object({
          mode: z.enum(['auto', 'required']),
          tools: z.array(z.record(z.string(), z.unknown())),
        }),
      }),
      vendorTool,
    ])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  response_format: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({
          name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
          description: z.string().nullish(),
          schema: z.record(z.string(), z.unknown()).nullish(),
          strict: z.boolean().nullish(),
        }),
      }),
    ])
    .optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast']).optional(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  prompt_cache_options: z.record(z.string(), z.unknown()).optional(),
  prompt_cache_retention: z.string().optional(),
  prediction: z.record(z.string(), z.unknown()).optional(),
});

/** The body of a chat completion request. */
export type ChatBody = z.infer<typeof chatSchema>;
/** A message of such a body. */
export type ChatMessage = ChatBody['messages'][number];
