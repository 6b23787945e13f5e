import { imagesIn, isFalse, type RefusedFields } from '@will/core';
import { z } from 'zod';
import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { HttpError } from '../../../server/http/errors.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import { asJson, type MediaKind } from './media-kind.ts';

/** `POST /v1/images/generations`. */
export const imagesSchema = z.object({
  model: z.string().min(1).max(128).optional(),
  prompt: z.string().min(1),
  n: z.int().min(1).max(10).optional(),
  size: z
    .string()
    .regex(/^(auto|\d{2,5}x\d{2,5})$/)
    .optional(),
  quality: z.string().max(32).optional(),
  response_format: z.literal('b64_json').optional(),
  user: z.string().optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});

const refused: RefusedFields = {
  stream: { harmless: isFalse, instead: 'must be false: an image comes whole' },
  background: { harmless: (value) => value === 'auto', instead: 'must be "auto": not every model can choose it' },
  moderation: { harmless: (value) => value === 'auto', instead: 'must be "auto": a request does not set it' },
};

/** OpenAI's images; they come inline, since the server keeps none that a URL could lead to. */
export const images: MediaKind = {
  kind: 'image',
  body: {
    type: 'application/json',
    read(bytes) {
      const { body, unknown } = readFields(imagesSchema, refused, withoutNulls(parseJsonObject(bytes)));
      const { n, size, quality } = body;
      return {
        unknown,
        model: body.model ?? 'auto',
        input: {
          prompt: body.prompt,
          ...(n !== undefined && { n }),
          ...(size !== undefined && { size }),
          ...(quality !== undefined && { quality }),
        },
        ...(body.metadata && { metadata: body.metadata }),
        whole({ output, data }, created) {
          const made = data === undefined ? [] : imagesIn(output, data);
          if (made.length === 0) throw new HttpError(502, 'bad_answer', 'no image came');
          return asJson({ created, data: made.map((image) => ({ b64_json: Buffer.from(image).toString('base64') })) });
        },
      };
    },
  },
};
