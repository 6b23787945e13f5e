/**
 * How many times the processor time of `reference` `work` takes: the least of some rounds of each, in turn, so that the
 * speed of the machine cancels out. What else runs on it does not count. Both must be synchronous.
 */
export function costRatio(work: () => unknown, reference: () => unknown, rounds = 3): number {
  let [leastWorkUs, leastReferenceUs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds; round += 1) {
    leastWorkUs = Math.min(leastWorkUs, usedUs(work));
    leastReferenceUs = Math.min(leastReferenceUs, usedUs(reference));
  }
  return leastWorkUs / leastReferenceUs;
}

/** Kernels count in steps of some milliseconds. */
const leastMeasuredUs = 60_000;

/** Processor time of one call, of as many as it takes to measure that. */
function usedUs(work: () => unknown): number {
  for (let calls = 1; ; calls *= 2) {
    const before = process.threadCpuUsage();
    for (let call = 0; call < calls; call += 1) work();
    const { user, system } = process.threadCpuUsage(before);
    if (user + system >= leastMeasuredUs) return (user + system) / calls;
  }
}
