import { z } from 'zod';
import type { RefusedFields } from '../http/check-fields.ts';

const isOff = (value: unknown): boolean => value === false;
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** Fields of OpenAI's request that this door cannot honour: it keeps nothing between requests. */
export const refusedFields: RefusedFields = {
  store: { harmless: isOff, instead: 'must be false: answers are not kept' },
  background: { harmless: isOff, instead: 'must be false: answers are not kept' },
  previous_response_id: {
    harmless: () => false,
    instead: 'answers are not kept; send the whole conversation as input',
  },
  conversation: { harmless: () => false, instead: 'conversations are not kept; send the whole one as input' },
  prompt: { harmless: () => false, instead: 'prompts are not kept; send it as input' },
  include: { harmless: isEmpty, instead: 'must be empty: nothing more is there to be told' },
  top_logprobs: { harmless: (value) => value === 0, instead: 'must be 0: probabilities are not passed on' },
  max_tool_calls: { harmless: () => false, instead: 'is for built-in tools, which are not offered' },
  truncation: {
    harmless: (value) => value === 'disabled',
    instead: 'must be "disabled": nothing is left out of an input',
  },
  moderation: { harmless: () => false, instead: 'is not offered' },
  context_management: { harmless: isEmpty, instead: 'is not offered' },
};

const itemId = z.string().max(256).nullish();
const status = z.string().nullish();
const image = z.strictObject({
  type: z.literal('input_image'),
  image_url: z.string(),
  detail: z.enum(['auto', 'low', 'high']).nullish(),
  file_id: z.null().optional(),
});
const inputText = z.strictObject({ type: z.literal('input_text'), text: z.string() });
const outputText = z.strictObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.unknown()).nullish(),
  logprobs: z.array(z.unknown()).nullish(),
  parsed: z.unknown().optional(),
});
const refusal = z.strictObject({ type: z.literal('refusal'), refusal: z.string() });

const message = z.strictObject({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, outputText, refusal, image])).min(1)]),
  id: itemId,
  status,
  phase: z.string().nullish(),
});
const call = z.strictObject({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
  id: itemId,
  status,
  parsed_arguments: z.unknown().optional(),
});
const callOutput = z.strictObject({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: z.union([z.string(), z.array(inputText).min(1)]),
  id: itemId,
  status,
});
/** What a model thought in an earlier turn: accepted, since libraries send it back, and not passed on. */
const reasoning = z.looseObject({ type: z.literal('reasoning') });

const item = z.union([z.discriminatedUnion('type', [call, callOutput, reasoning]), message]);
export type InputItem = z.infer<typeof item>;
export type InputMessage = z.infer<typeof message>;

const tool = z.strictObject({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});

/** `POST /v1/responses`, closed. Fields that are null count as absent and are taken out before. */
export const responsesSchema = z.strictObject({
  model: z.string().min(1).max(128),
  input: z.union([z.string(), z.array(item).min(1).max(4_096)]),
  instructions: z.string().optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().nullish() }).optional(),
  max_output_tokens: z.int().min(1).optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  tools: z.array(tool).max(128).optional(),
  tool_choice: z
    .union([z.enum(['none', 'auto', 'required']), z.strictObject({ type: z.literal('function'), name: z.string() })])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  text: z
    .strictObject({
      format: z
        .discriminatedUnion('type', [
          z.strictObject({ type: z.literal('text') }),
          z.strictObject({ type: z.literal('json_object') }),
          z.strictObject({
            type: z.literal('json_schema'),
            name: z.string(),
            description: z.string().nullish(),
            schema: z.record(z.string(), z.unknown()),
            strict: z.boolean().nullish(),
          }),
        ])
        .nullish(),
      verbosity: z.literal('medium').nullish(),
    })
    .optional(),
  reasoning: z
    .strictObject({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
    })
    .optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
  service_tier: z.enum(['auto', 'default', 'flex', 'priority']).optional(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  prompt_cache_retention: z.string().optional(),
});

export type ResponsesBody = z.infer<typeof responsesSchema>;
