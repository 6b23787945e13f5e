/**
 * How many times as long `work` takes as `reference`: the least of some rounds of each, in turn, so that the speed of
 * the machine and what else runs on it cancel out. Both must be synchronous and take at least some microseconds.
 */
export function costRatio(work: () => unknown, reference: () => unknown, rounds = 15): number {
  work();
  reference();
  let [leastWorkMs, leastReferenceMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds; round += 1) {
    leastWorkMs = Math.min(leastWorkMs, durationMs(work));
    leastReferenceMs = Math.min(leastReferenceMs, durationMs(reference));
  }
  return leastWorkMs / leastReferenceMs;
}

function durationMs(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}
