import { number, record, whole } from './fields.ts';

export const maxCount = 1_000_000_000_000;

/** What may be used within a day or a month. */
export const cap = record({
  requests: whole(0, maxCount).describe('Calls.').exactOptional(),
  tokens: whole(0, maxCount).describe('Tokens, input and output together.').exactOptional(),
  usd: number(0, 1_000_000_000).describe('US dollars.').exactOptional(),
});
