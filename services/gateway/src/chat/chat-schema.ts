import { z } from 'zod';
import type { RefusedFields } from '../http/check-fields.ts';

/** Fields of OpenAI's request that this door cannot honour, with what to do instead. A value that asks for nothing is fine. */
export const refusedFields: RefusedFields = {
  functions: { harmless: isEmpty, instead: 'use tools' },
  function_call: { harmless: () => false, instead: 'use tool_choice' },
  logprobs: { harmless: (value) => value === false, instead: 'must be false: probabilities are not passed on' },
  top_logprobs: { harmless: (value) => value === 0, instead: 'must be 0: probabilities are not passed on' },
  logit_bias: { harmless: isEmpty, instead: 'must be empty: token ids differ between the models that may answer' },
  audio: { harmless: () => false, instead: 'only text comes back' },
  modalities: { harmless: isTextOnly, instead: 'must be ["text"]: only text comes back' },
  moderation: { harmless: () => false, instead: 'is not offered' },
  n: { harmless: (value) => value === 1, instead: 'must be 1' },
  store: { harmless: (value) => value === false, instead: 'must be false: content is not kept' },
  verbosity: {
    harmless: (value) => value === 'medium',
    instead: 'must be "medium": not every model that may answer knows it',
  },
  web_search_options: { harmless: () => false, instead: 'is not offered' },
};

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
function isTextOnly(value: unknown): boolean {
  return Array.isArray(value) && value.length === 1 && value[0] === 'text';
}

/**
 * Fields that say something to the door, or are hints that no answer depends on. They do not travel to a model: the
 * task has its own place for them, or nobody who answers needs to know.
 */
const doorFields = new Set([
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
export const staysAtTheDoor = (field: string): boolean => doorFields.has(field);

const name = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/);
const text = z.strictObject({ type: z.literal('text'), text: z.string() });
const refusal = z.strictObject({ type: z.literal('refusal'), refusal: z.string() });
const image = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({
    url: z.string().refine(isPublicOrInline, 'must be a data: URL with base64, or an https: URL of a public host name'),
    detail: z.enum(['auto', 'low', 'high']).nullish(),
  }),
});
const audio = z.strictObject({
  type: z.literal('input_audio'),
  input_audio: z.strictObject({ data: z.string(), format: z.enum(['wav', 'mp3']) }),
});

/** A model's server fetches such a URL from inside: it must not lead to a neighbour of that server. */
function isPublicOrInline(url: string): boolean {
  if (url.startsWith('data:')) return /^data:[a-z]+\/[a-z0-9.+-]+;base64,/i.test(url.slice(0, 128));
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  const isName = /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*\.?$/i.test(hostname);
  const isInside = /(^|\.)(localhost|local|internal|lan|home|corp)\.?$/i.test(hostname);
  return protocol === 'https:' && isName && !isInside && username === '' && password === '';
}

const textContent = z.union([z.string(), z.array(text).min(1)]);
const instruction = <R extends 'system' | 'developer'>(role: R) =>
  z.strictObject({ role: z.literal(role), content: textContent, name: name.nullish() });

const message = z.discriminatedUnion('role', [
  instruction('system'),
  instruction('developer'),
  z.strictObject({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image, audio])).min(1)]),
    name: name.nullish(),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, refusal]))]).nullish(),
    name: name.nullish(),
    refusal: z.string().nullish(),
    tool_calls: z
      .array(
        z.strictObject({
          id: z.string(),
          type: z.literal('function'),
          function: z.strictObject({ name, arguments: z.string(), parsed_arguments: z.unknown().optional() }),
          index: z.int().nullish(),
        }),
      )
      .nullish(),
    // What an earlier answer carried and libraries send back with it.
    reasoning_content: z.string().nullish(),
    annotations: z.array(z.unknown()).nullish(),
    audio: z.null().optional(),
    function_call: z.null().optional(),
    parsed: z.unknown().optional(),
  }),
  z.strictObject({ role: z.literal('tool'), content: textContent, tool_call_id: z.string() }),
]);

/** What only an answer has: dropped from messages before they go to a model. */
export const answerOnlyFields: readonly string[] = [
  'reasoning_content',
  'annotations',
  'audio',
  'function_call',
  'parsed',
];

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name,
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

const mostTokens = 10_000_000;

/** `POST /v1/chat/completions`, closed. Fields that are null count as absent and are taken out before. */
export const chatSchema = z.strictObject({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(4_096),
  stream: z.boolean().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .optional(),
  max_tokens: z.int().min(1).max(mostTokens).optional(),
  max_completion_tokens: z.int().min(1).max(mostTokens).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).optional(),
  seed: z.int().optional(),
  tools: z.array(tool).max(128).optional(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.strictObject({ type: z.literal('function'), function: z.strictObject({ name }) }),
    ])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  response_format: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('text') }),
      z.strictObject({ type: z.literal('json_object') }),
      z.strictObject({
        type: z.literal('json_schema'),
        json_schema: z.strictObject({
          name,
          description: z.string().nullish(),
          schema: z.record(z.string(), z.unknown()).nullish(),
          strict: z.boolean().nullish(),
        }),
      }),
    ])
    .optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
  service_tier: z.enum(['auto', 'default', 'flex', 'priority']).optional(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  prompt_cache_options: z.record(z.string(), z.unknown()).optional(),
  prompt_cache_retention: z.string().optional(),
  prediction: z.record(z.string(), z.unknown()).optional(),
});

export type ChatBody = z.infer<typeof chatSchema>;
