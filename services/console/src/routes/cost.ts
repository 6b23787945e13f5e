import { subjects, wire } from '@will/contracts';
import { accepted, ask } from '@will/operator';
import { z } from 'zod';
import { AdminError } from '../api/errors.ts';
import { roles, route } from '../api/route.ts';
import { name, period } from '../api/schemas.ts';
import type { ConsoleBackends } from '../backends.ts';
import { scoped } from '../viewer.ts';
import { limitStates } from './limits.ts';
import { paceOf } from './pace.ts';

const dayMs = 86_400_000;
const groupings = ['client', 'model', 'type', 'outcome', 'tag'] as const;

const question = z.object({
  client: name.optional(),
  model: name.optional(),
  type: name.optional(),
  outcome: z.enum(['Success', 'Timeout', 'Blocked']).optional(),
  /** Key of a cost tag. */
  tag: name.optional(),
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
    summary: 'Calls, tokens, money and latency by client, model, type, outcome or cost tag, over time, with budgets',
    query: question,
    answer: async ({ query, viewer }, backends) => {
      const asked = rounded(scoped(viewer, query, false), backends.nowMs());
      const [groups, series, limits] = await Promise.all([
        usage(backends, asked, [asked.by]),
        usage(backends, asked, [asked.every, asked.by]),
        limitStates(backends),
      ]);
      const isOwn = (limit: wire.LimitState): boolean => limit.scope === 'client' && limit.id === asked.client;
      return {
        by: asked.by,
        from: asked.from,
        to: asked.to,
        groups: groups.groups,
        total: groups.total ?? null,
        series: series.groups,
        budgets: limits
          .filter(({ metric }) => metric === 'nano_usd')
          .filter((limit) => asked.client === undefined || isOwn(limit))
          .map((limit) => ({ ...limit, ...paceOf(limit, backends.nowMs()) })),
      };
    },
  }),
];

const dimensions: Readonly<Record<string, string>> = { type: 'taskType', tag: 'costTag' };

type Period = Question & { readonly from: number; readonly to: number };

/**
 * Sums are kept by hours, and with clients by days: the period as it is answered.
 * @throws {AdminError} a question that no kept sum answers
 */
function rounded(asked: Question, nowMs: number): Period {
  const isByClient = [asked.client, asked.tag].some((one) => one !== undefined) || asked.by === 'client';
  if (asked.by === 'tag' && asked.tag === undefined)
    throw new AdminError('invalid_request', 'name the key of a cost tag, such as team, to see its values', {
      param: 'tag',
    });
  const stepMs = isByClient || asked.every === 'day' ? dayMs : 3_600_000;
  const to = Math.ceil((asked.to ?? nowMs) / stepMs) * stepMs;
  const from = Math.floor((asked.from ?? (asked.to ?? nowMs) - 7 * dayMs) / stepMs) * stepMs;
  return { ...asked, every: isByClient ? 'day' : asked.every, from, to };
}

async function usage({ bus }: ConsoleBackends, asked: Period, by: readonly string[]): Promise<wire.QueryUsageResponse> {
  const query = {
    by: by.map((word) => dimensions[word] ?? word),
    fromUnixMs: BigInt(asked.from),
    toUnixMs: BigInt(asked.to),
    client: asked.client ?? '',
    model: asked.model ?? '',
    taskType: asked.type ?? '',
    outcome: asked.outcome ?? '',
    costTag: asked.tag ?? '',
  };
  return accepted(
    await ask(bus, subjects.telemetry('usage'), [wire.QueryUsageRequestSchema, query], wire.QueryUsageResponseSchema),
  );
}
