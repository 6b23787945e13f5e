/**
 * Thresholds of a budget that operators are told of, each once in a period. `exhausted`: a task was rejected since it
 * is used up.
 */
export const alertThresholds = ['80', '95', '100', 'exhausted'] as const;
export type AlertThreshold = (typeof alertThresholds)[number];

/** The shares that a budget's use has reached, lowest first; none of a budget of nothing. */
export const reachedThresholds = (used: bigint, most: bigint): readonly AlertThreshold[] =>
  alertThresholds.filter(
    (threshold) => threshold !== 'exhausted' && most > 0n && used * 100n >= BigInt(threshold) * most,
  );

const firstRetryMs = 1_000;
const maxRetryMs = 300_000;
/** After so many failed attempts, which takes about three days, an alert is not tried again by itself. */
export const maxAlertAttempts = 870;

/** The pause after so many failed attempts: from a second, each twice the last, up to five minutes. */
export const alertRetryMs = (attempts: number): number =>
  Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(20, Math.max(0, attempts - 1)));
