import { z } from 'zod';
import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { HttpError } from '../../../server/http/errors.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import { asJson, type MediaKind } from './media-kind.ts';

/** `POST /v1/rerank`: the form of Cohere and Jina. */
export const rerankSchema = z.object({
  model: z.string().min(1).max(128),
  query: z.string().min(1),
  documents: z
    .array(z.union([z.string(), z.object({ text: z.string() })]))
    .min(1)
    .max(1_000),
  top_n: z.int().min(1).optional(),
  return_documents: z.boolean().optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});

/** Documents by how well they answer a query. */
export const rerank: MediaKind = {
  kind: 'rerank',
  body: {
    type: 'application/json',
    read(bytes) {
      const { body, unknown } = readFields(rerankSchema, {}, withoutNulls(parseJsonObject(bytes)));
      const documents = body.documents.map((document) => (typeof document === 'string' ? document : document.text));
      return {
        unknown,
        model: body.model,
        input: { query: body.query, documents, ...(body.top_n !== undefined && { top_n: body.top_n }) },
        ...(body.metadata && { metadata: body.metadata }),
        whole: ({ taskId, model, output, usage }) =>
          asJson({
            id: `rerank-${taskId}`,
            model,
            results: rankingIn(output, documents.length)
              .slice(0, body.top_n)
              .map(({ index, score }) => ({
                index,
                relevance_score: score,
                ...(body.return_documents === true && { document: { text: documents[index] } }),
              })),
            ...(usage && { usage: { total_tokens: usage.inputTokens } }),
          }),
      };
    },
  },
};

interface Ranked {
  readonly index: number;
  readonly score: number;
}

const rankingSchema = z.array(z.object({ index: z.int().min(0), score: z.number() }));

function rankingIn(output: string, count: number): readonly Ranked[] {
  try {
    const ranking = rankingSchema.parse(JSON.parse(output));
    if (ranking.every(({ index }) => index < count)) return ranking;
  } catch {
    // Told below.
  }
  throw new HttpError(502, 'bad_answer', 'no ranking came');
}
