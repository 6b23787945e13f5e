import type { CallRecord, DecisionRecord } from '@will/core';

// Money and seeds are wider than JSON's numbers.
const bigintKeys: ReadonlySet<string> = new Set(['costNanoUsd', 'seed']);

/** Sets as text; `costNanoUsd` may stand at any depth. */
export const stringify = (value: object): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));

// JSON takes three times as long where a function looks at each value: of these it is known where a bigint stands.

/** Writes a call record as JSON. */
export const stringifyRecord = (record: CallRecord): string =>
  JSON.stringify(record.costNanoUsd === undefined ? record : { ...record, costNanoUsd: String(record.costNanoUsd) });

/** Writes a decision as JSON. */
export const stringifyDecision = (decision: DecisionRecord): string =>
  JSON.stringify({ ...decision, seed: String(decision.seed) });

/** Reads JSON that this module wrote. */
export const parse = <T>(text: string): T =>
  JSON.parse(text, (key, inner: unknown) =>
    bigintKeys.has(key) && typeof inner === 'string' ? BigInt(inner) : inner,
  ) as T;
