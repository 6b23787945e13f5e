import { number, record, whole } from './fields.ts';

/** The largest number of requests or tokens that a cap may state. */
export const maxCount = 1_000_000_000_000;

/** Reads a cap on a day or a month. */
export const cap = record({
  requests: whole(0, maxCount).describe('Calls.').exactOptional(),
  tokens: whole(0, maxCount).describe('Tokens, input and output together.').exactOptional(),
  usd: number(0, 1_000_000_000).describe('US dollars.').exactOptional(),
});
