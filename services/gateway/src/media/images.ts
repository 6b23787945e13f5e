import { z } from 'zod';
import { checkFields, type RefusedFields, withoutNulls } from '../http/check-fields.ts';
import { HttpError } from '../http/errors.ts';
import { parseJsonObject } from '../http/json.ts';
import { asJson, type MediaKind } from './media-kind.ts';

/** `POST /v1/images/generations`, closed. */
export const imagesSchema = z.strictObject({
  model: z.string().min(1).max(128),
  prompt: z.string().min(1),
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
  n: { harmless: (value) => value === 1, instead: 'must be 1' },
  stream: { harmless: (value) => value === false, instead: 'must be false: an image comes whole' },
};

/** OpenAI's images; they come inline, since the door keeps none that a URL could lead to. */
export const images: MediaKind = {
  kind: 'image',
  contentType: 'application/json',
  read(bytes) {
    const body = checkFields(imagesSchema, refused, withoutNulls(parseJsonObject(bytes)));
    const { size, quality } = body;
    return {
      model: body.model,
      input: { prompt: body.prompt, ...(size !== undefined && { size }), ...(quality !== undefined && { quality }) },
      ...(body.metadata && { metadata: body.metadata }),
      whole({ data }, created) {
        if (!data) throw new HttpError(502, 'bad_answer', 'no image came');
        return asJson({ created, data: [{ b64_json: Buffer.from(data).toString('base64') }] });
      },
    };
  },
};
