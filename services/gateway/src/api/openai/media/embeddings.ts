import { areTexts, type TaskInput, vectorBytes, vectorOf } from '@will/core';
import { z } from 'zod';
import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { HttpError } from '../../../server/http/errors.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import { asJson, type MediaKind } from './media-kind.ts';

const text = z.string().min(1);
const tokenId = z.int().min(0);
const tokens = z.array(tokenId).min(1).max(100_000);

function isOfOneKind(inputs: readonly unknown[]): boolean {
  const [kind] = inputs.map((input) => typeof input);
  return inputs.every((input) => typeof input === kind) && (kind === 'number' || inputs.length <= 2_048);
}

/** `POST /v1/embeddings`. */
export const embeddingsSchema = z.object({
  model: z.string().min(1).max(128),
  input: z.union([
    text,
    z
      .array(z.union([text, tokenId, tokens]))
      .min(1)
      .max(100_000)
      .refine(isOfOneKind, 'must be up to 2,048 texts, up to 2,048 lists of token ids, or one such list'),
  ]),
  dimensions: z.int().min(1).optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
  user: z.string().optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});

/** OpenAI's embeddings. */
export const embeddings: MediaKind = {
  kind: 'embedding',
  body: {
    type: 'application/json',
    read(bytes) {
      const { body, unknown } = readFields(embeddingsSchema, {}, withoutNulls(parseJsonObject(bytes)));
      const input = listed(body.input);
      return {
        unknown,
        ...(areTexts(input) ? {} : { onlyForModel: idsOfTokens }),
        model: body.model,
        input: { input, ...(body.dimensions !== undefined && { dimensions: body.dimensions }) },
        ...(body.metadata && { metadata: body.metadata }),
        whole({ model, output, data, usage }) {
          const vectors = vectorBytes(data ?? new Uint8Array(0), dimensionsIn(output));
          if (vectors.length !== input.length)
            throw new HttpError(502, 'bad_answer', `${vectors.length} vectors came for ${input.length} inputs`);
          const encoded = body.encoding_format === 'base64' ? toBase64 : vectorOf;
          return asJson({
            object: 'list',
            data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encoded(vector) })),
            model,
            usage: { prompt_tokens: usage?.inputTokens ?? 0, total_tokens: usage?.inputTokens ?? 0 },
          });
        },
      };
    },
  },
};

const idsOfTokens =
  'input: ids of tokens belong to one model: name that model, or send texts (LangChain: check_embedding_ctx_length=False)';

/** One input stands by itself or in a list. */
function listed(input: z.infer<typeof embeddingsSchema>['input']): TaskInput<'embedding'>['input'] {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as number[]] : (input as string[] | number[][]);
}

const toBase64 = (vector: Uint8Array): string => Buffer.from(vector).toString('base64');

function dimensionsIn(output: string): number {
  try {
    const { dimensions } = JSON.parse(output) as { dimensions?: unknown };
    return typeof dimensions === 'number' ? dimensions : 0;
  } catch {
    return 0;
  }
}
