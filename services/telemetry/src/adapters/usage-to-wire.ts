import { percentileMs } from '@will/core';
import { create, wire } from '@will/contracts';
import { addSums, type UsageGroup, type UsageSums } from '@will/store';

/** Groups and what they come to together. */
export function usageToWire(groups: readonly UsageGroup[]): wire.QueryUsageResponse {
  const [first, ...others] = groups;
  const total = first && others.reduce<UsageSums>(addSums, first);
  return create(wire.QueryUsageResponseSchema, {
    groups: groups.map(groupToWire),
    ...(total && { total: create(wire.UsageGroupSchema, sumsToWire(total)) }),
  });
}

function groupToWire(group: UsageGroup): wire.UsageGroup {
  const { startMs, client, model, taskType, outcome, costTag } = group;
  return create(wire.UsageGroupSchema, {
    ...(startMs !== undefined && { startUnixMs: BigInt(startMs) }),
    ...(client !== undefined && { client }),
    ...(model !== undefined && { model }),
    ...(taskType !== undefined && { taskType }),
    ...(outcome !== undefined && { outcome }),
    ...(costTag !== undefined && { costTag }),
    ...sumsToWire(group),
  });
}

function sumsToWire(sums: UsageSums) {
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map((share) => percentileMs(sums.latencies, share));
  return {
    calls: BigInt(sums.calls),
    successes: BigInt(sums.successes),
    inputTokens: BigInt(sums.inputTokens),
    outputTokens: BigInt(sums.outputTokens),
    cachedInputTokens: BigInt(sums.cachedInputTokens),
    cacheWriteTokens: BigInt(sums.cacheWriteTokens),
    cacheWrite1hTokens: BigInt(sums.cacheWrite1hTokens),
    savedNanoUsd: sums.savedNanoUsd,
    reasoningTokens: BigInt(sums.reasoningTokens),
    costNanoUsd: sums.costNanoUsd,
    unknownCosts: BigInt(sums.unknownCosts),
    estimatedUsages: BigInt(sums.estimatedUsages),
    ...(p50Ms !== undefined && { p50Ms }),
    ...(p95Ms !== undefined && { p95Ms }),
    ...(p99Ms !== undefined && { p99Ms }),
  };
}
