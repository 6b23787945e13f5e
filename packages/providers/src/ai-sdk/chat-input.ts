import { z } from 'zod';
import { parseJson } from '../chat/unreadable.ts';

/** A hint that the part stays the same over many calls. */
const cacheControl = z.looseObject({ type: z.string() }).nullish();
const textPart = z.looseObject({ type: z.literal('text'), text: z.string(), cache_control: cacheControl });
const refusalPart = z.looseObject({ type: z.literal('refusal'), refusal: z.string() });
const imagePart = z.looseObject({
  type: z.literal('image_url'),
  image_url: z.looseObject({ url: z.string() }),
  cache_control: cacheControl,
});
/** A part of a message that a model is shown. */
export type ShownPart = z.infer<typeof textPart> | z.infer<typeof imagePart>;
const audioPart = z.looseObject({
  type: z.literal('input_audio'),
  input_audio: z.looseObject({ data: z.string(), format: z.string() }),
});
const texts = z.union([z.string(), z.array(textPart)]);

const message = z.discriminatedUnion('role', [
  z.looseObject({ role: z.enum(['system', 'developer']), content: texts }),
  z.looseObject({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart, audioPart]))]),
  }),
  z.looseObject({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, refusalPart]))]).nullish(),
    refusal: z.string().nullish(),
    tool_calls: z
      .array(
        z.looseObject({
          id: z.string(),
          function: z.looseObject({ name: z.string(), arguments: z.string() }),
          extra_content: z.unknown().optional(),
        }),
      )
      .nullish(),
  }),
  z.looseObject({
    role: z.literal('tool'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textPart, imagePart]))]),
    tool_call_id: z.string(),
  }),
]);

const schema = z.record(z.string(), z.unknown());
const tool = z.looseObject({
  type: z.literal('function'),
  cache_control: cacheControl,
  function: z.looseObject({
    name: z.string(),
    description: z.string().nullish(),
    parameters: schema.nullish(),
    strict: z.boolean().nullish(),
  }),
});

/** What is read of a chat in OpenAI's form. What is not named here is not passed on. */
const chatInput = z.looseObject({
  messages: z.array(message).min(1),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  seed: z.int().nullish(),
  top_k: z.number().nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z
    .discriminatedUnion('type', [
      z.looseObject({ type: z.literal('text') }),
      z.looseObject({ type: z.literal('json_object') }),
      z.looseObject({
        type: z.literal('json_schema'),
        json_schema: z.looseObject({
          name: z.string(),
          description: z.string().nullish(),
          schema: schema.nullish(),
        }),
      }),
    ])
    .nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
});

/** A chat in the form that the vendors' adapters read. */
export type SdkChatInput = z.infer<typeof chatInput>;
/** A message of such a chat. */
export type SdkChatMessage = SdkChatInput['messages'][number];

/** The caller's bytes as a chat; undefined: they are none. */
export const readChatInput = (bytes: Uint8Array): SdkChatInput | undefined =>
  chatInput.safeParse(parseJson(bytes)).data;
