import { z } from 'zod';
import { type CustomTool, customTool } from './custom-tools.ts';
import { saysNothing, noValue, type RefusedFields } from '@will/core';

/** Fields of OpenAI's request that this server cannot honour. What states a wish is refused in every dialect. */
export const refusedFields: RefusedFields = {
  prompt: { harmless: noValue, instead: 'prompts are not kept; send it as input' },
  include: { harmless: asksForNoMore, instead: 'must not ask for probabilities: they are not passed on' },
  top_logprobs: { harmless: (value) => value === 0, instead: 'must be 0: probabilities are not passed on' },
  truncation: {
    harmless: (value) => value === 'disabled',
    instead: 'must be "disabled": nothing is left out of an input',
  },
  moderation: { harmless: noValue, instead: 'is not offered' },
  max_tool_calls: { harmless: Number.isInteger, instead: 'must be a whole number' },
  context_management: { harmless: Array.isArray, instead: 'must be a list' },
};

/** What is asked for beside an answer: of tools that nobody runs, and of reasoning, there is nothing more to tell. */
function asksForNoMore(value: unknown): boolean {
  return (
    saysNothing(value) ||
    (Array.isArray(value) && value.every((part) => typeof part === 'string' && !/logprobs/.test(part)))
  );
}

const image = z.object({
  type: z.literal('input_image'),
  image_url: z.string(),
  detail: z.string().max(32).nullish(),
});
const inputText = z.object({ type: z.literal('input_text'), text: z.string() });
const outputText = z.object({ type: z.literal('output_text'), text: z.string() });
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() });

const message = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, outputText, refusal, image]))]),
});
const call = z.object({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
});
const customCall = z.object({
  type: z.literal('custom_tool_call'),
  call_id: z.string(),
  name: z.string(),
  input: z.string(),
});
const callOutput = z.object({
  type: z.enum(['function_call_output', 'custom_tool_call_output']),
  /** Absent: the call before it. */
  call_id: z.string().nullish(),
  output: z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, outputText, image]))]),
});
/** What a model thought or looked up in an earlier turn: only what it must see again beside its calls is passed on. */
const passed = z.looseObject({ type: z.enum(['reasoning', 'web_search_call']) });
const reference = z.object({ type: z.literal('item_reference').nullish(), id: z.string() });

const item = z.union([z.discriminatedUnion('type', [call, customCall, callOutput, passed]), message, reference]);
/** An item of a response's input. */
export type InputItem = z.infer<typeof item>;
/** A reference to an item of an earlier answer. */
export type Reference = z.infer<typeof reference>;
/** A message of a response's input. */
export type InputMessage = z.infer<typeof message>;

const functionTool = z.object({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});
/** A tool that OpenAI runs, or describes itself. */
const vendorTool = z.looseObject({
  type: z
    .string()
    .max(64)
    .refine((type) => type !== 'function' && type !== 'custom'),
});

/** `POST /v1/responses`. Fields that are null count as absent and are taken out before. */
export const responsesSchema = z.object({
  model: z.string().min(1).max(128),
  input: z.union([z.string(), z.array(item).min(1).max(4_096)]),
  instructions: z.string().optional(),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_obfuscation: z.boolean().nullish() }).optional(),
  max_output_tokens: z.int().min(1).optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  tools: z
    .array(z.union([functionTool, customTool, vendorTool]))
    .max(1_024)
    .optional(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.enum(['function', 'custom']), name: z.string() }),
      z.object({
        type: z.literal('allowed_tools'),
        mode: z.enum(['auto', 'required']),
        tools: z.array(z.record(z.string(), z.unknown())),
      }),
      vendorTool,
    ])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  text: z
    .object({
      format: z
        .discriminatedUnion('type', [
          z.object({ type: z.literal('text') }),
          z.object({ type: z.literal('json_object') }),
          z.object({
            type: z.literal('json_schema'),
            name: z.string(),
            description: z.string().nullish(),
            schema: z.record(z.string(), z.unknown()),
            strict: z.boolean().nullish(),
          }),
        ])
        .nullish(),
      verbosity: z.enum(['low', 'medium', 'high']).nullish(),
    })
    .optional(),
  reasoning: z
    .object({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
      generate_summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
      // Where a model thinks, and what of it is kept between turns, is the model's own affair.
      context: z.string().nullish(),
      mode: z.string().nullish(),
    })
    .optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast']).optional(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  prompt_cache_options: z.record(z.string(), z.unknown()).optional(),
  prompt_cache_retention: z.string().optional(),
});

/** The body of a request for a response. */
export type ResponsesBody = z.infer<typeof responsesSchema>;

type Tool = NonNullable<ResponsesBody['tools']>[number];

/** True of a tool that takes free text. */
export const isCustom = (tool: Tool): tool is CustomTool => tool.type === 'custom';

/** Names of the tools that take plain text. */
export const customNames = ({ tools = [] }: Pick<ResponsesBody, 'tools'>): ReadonlySet<string> =>
  new Set(tools.filter(isCustom).map(({ name }) => name));
