/**
 * Durations counted in fixed buckets, so that counts of different times, models and places can be added. The first holds
 * up to 4 ms, each further one up to √2 times as much, the last all above 49 minutes.
 */
export const latencyEdgesMs: readonly number[] = Array.from({ length: 40 }, (_, index) =>
  Math.round(4 * 2 ** (index / 2)),
);
/** The number of buckets, the last one without an upper edge. */
export const latencyBuckets = latencyEdgesMs.length + 1;

/** The bucket of a duration, from 0. */
export function latencyBucketOf(durationMs: number): number {
  const bucket = latencyEdgesMs.findIndex((edgeMs) => durationMs <= edgeMs);
  return bucket === -1 ? latencyEdgesMs.length : bucket;
}

/**
 * The duration that a share of all stays within: 0.95 for p95. It is spread evenly over its bucket, so at most a factor of
 * √2 off above 4 ms; in the last bucket its lower edge. Undefined: nothing was counted.
 */
export function percentileMs(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = Math.max(1, Math.ceil(total * share));
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (below + count >= wanted) return within(bucket, (wanted - below) / count);
    below += count;
  }
  return undefined;
}

function within(bucket: number, part: number): number {
  const fromMs = bucket === 0 ? 0 : (latencyEdgesMs[bucket - 1] as number);
  const toMs = latencyEdgesMs[bucket] ?? fromMs;
  return Math.round(fromMs + (toMs - fromMs) * part);
}
