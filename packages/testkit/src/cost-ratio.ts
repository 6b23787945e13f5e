/**
 * How many times the processor time of `reference` `work` takes: the least of some rounds of each, in turn, so that the
 * speed of the machine cancels out. Both must be synchronous and take at least some microseconds.
 */
export function costRatio(work: () => unknown, reference: () => unknown, rounds = 15): number {
  work();
  reference();
  let [leastWorkUs, leastReferenceUs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds; round += 1) {
    leastWorkUs = Math.min(leastWorkUs, usedUs(work));
    leastReferenceUs = Math.min(leastReferenceUs, usedUs(reference));
  }
  return leastWorkUs / leastReferenceUs;
}

function usedUs(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return Math.max(1, user + system);
}
