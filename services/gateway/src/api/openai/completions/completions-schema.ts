import { z } from 'zod';
import { saysNothing, isFalse, type RefusedFields } from '@will/core';

/** Fields of OpenAI's oldest request that this server cannot honour. */
export const refusedFields: RefusedFields = {
  echo: { harmless: isFalse, instead: 'must be false: only what is new comes back' },
  n: { harmless: (value) => value === 1, instead: 'must be 1' },
  best_of: { harmless: (value) => value === 1, instead: 'must be 1' },
  logprobs: { harmless: (value) => value === 0, instead: 'must be 0: probabilities are not passed on' },
  suffix: { harmless: saysNothing, instead: 'must be empty: a text is only continued at its end' },
  logit_bias: { harmless: saysNothing, instead: 'must be empty: token ids differ between the models that may answer' },
};

/** `POST /v1/completions`. */
export const completionsSchema = z.object({
  model: z.string().min(1).max(128),
  prompt: z.union([z.string().min(1), z.array(z.string().min(1)).length(1)]),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).optional(),
  max_tokens: z.int().min(1).max(10_000_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  stop: z.union([z.string(), z.array(z.string()).max(64)]).optional(),
  seed: z.int().optional(),
  user: z.string().optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});
