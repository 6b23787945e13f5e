import { subjects, wire } from '@will/contracts';
import type { Snapshot } from '@will/core';
import { accepted, ask } from '@will/operator';
import { z } from 'zod';
import { roles, route } from '../api/route.ts';
import { name, period } from '../api/schemas.ts';
import type { ConsoleBackends } from '../backends.ts';
import { scoped } from '../viewer.ts';
import { limitStates } from './limits.ts';
import { paceOf } from './pace.ts';

const dayMs = 86_400_000;
const groupings = ['client', 'model', 'type', 'outcome'] as const;

const question = z.object({
  client: name.optional(),
  model: name.optional(),
  type: name.optional(),
  outcome: z.enum(['Success', 'Timeout', 'Blocked']).optional(),
  ...period,
  by: z.enum(groupings).default('model'),
  every: z.enum(['hour', 'day']).default('day'),
});
type Question = z.infer<typeof question>;

export const costRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/cost',
    access: roles.everyone,
    summary: 'Calls, tokens, money and latency by client, model, type or outcome, over time, with budgets and savings',
    query: question,
    answer: async ({ query, viewer }, backends) => {
      const asked = rounded(scoped(viewer, query, false), backends.nowMs());
      const [groups, series, models, limits] = await Promise.all([
        usage(backends, asked, [asked.by]),
        usage(backends, asked, [asked.every, asked.by]),
        usage(backends, asked, ['model']),
        limitStates(backends),
      ]);
      const isOwn = (limit: wire.LimitState): boolean => limit.scope === 'client' && limit.id === asked.client;
      return {
        from: asked.from,
        to: asked.to,
        groups: groups.groups,
        total: groups.total ?? null,
        series: series.groups,
        budgets: limits
          .filter(({ metric }) => metric === 'nano_usd')
          .filter((limit) => asked.client === undefined || isOwn(limit))
          .map((limit) => ({ ...limit, ...paceOf(limit, backends.nowMs()) })),
        savedByCaching: savedByCaching(models.groups, backends.snapshot),
      };
    },
  }),
];

type Period = Question & { readonly from: number; readonly to: number };

/** Sums are kept by hours, and with clients by days: the period as it is answered. */
function rounded(asked: Question, nowMs: number): Period {
  const isByClient = asked.client !== undefined || asked.by === 'client';
  const stepMs = isByClient || asked.every === 'day' ? dayMs : 3_600_000;
  const to = Math.ceil((asked.to ?? nowMs) / stepMs) * stepMs;
  const from = Math.floor((asked.from ?? (asked.to ?? nowMs) - 7 * dayMs) / stepMs) * stepMs;
  return { ...asked, every: isByClient ? 'day' : asked.every, from, to };
}

async function usage({ bus }: ConsoleBackends, asked: Period, by: readonly string[]): Promise<wire.QueryUsageResponse> {
  const query = {
    by: by.map((word) => (word === 'type' ? 'taskType' : word)),
    fromUnixMs: BigInt(asked.from),
    toUnixMs: BigInt(asked.to),
    client: asked.client ?? '',
    model: asked.model ?? '',
    taskType: asked.type ?? '',
    outcome: asked.outcome ?? '',
  };
  return accepted(
    await ask(bus, subjects.telemetry('usage'), [wire.QueryUsageRequestSchema, query], wire.QueryUsageResponseSchema),
  );
}

/**
 * The money that cached input saved against other input, at the prices of today. Models without a price are unknown.
 */
export function savedByCaching(
  groups: readonly Pick<wire.UsageGroup, 'model' | 'cachedInputTokens'>[],
  snapshot: Pick<Snapshot, 'models'> | undefined,
): { readonly nanoUsd: bigint; readonly unknownTokens: bigint } {
  let nanoUsd = 0n;
  let unknownTokens = 0n;
  for (const { model, cachedInputTokens } of groups) {
    const price = snapshot?.models.get(model ?? '')?.price;
    if (price === undefined) unknownTokens += cachedInputTokens;
    else nanoUsd += (cachedInputTokens * BigInt(price.input - (price.cachedInput ?? price.input))) / 1_000_000n;
  }
  return { nanoUsd, unknownTokens };
}
