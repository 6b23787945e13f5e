import { subjects, wire } from '@will/contracts';
import { accepted, ask, servedModels } from '@will/operator';
import { z } from 'zod';
import { roles, route } from '../api/route.ts';
import { scope } from '../api/schemas.ts';
import type { ConsoleBackends } from '../backends.ts';
import { maySee, scoped, type Viewer } from '../viewer.ts';
import { paceOf } from './pace.ts';

export const limitRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/limits',
    access: roles.everyone,
    summary: 'Limits and budgets with their use and pace, and the models in cooldown',
    query: z.object(scope),
    answer: async ({ query, viewer }, backends) => {
      const wanted = scoped(viewer, query, true);
      const nowMs = backends.nowMs();
      const limits = await limitStates(backends);
      const cooldowns = servedModels([...backends.processes.processes.values()])
        .filter(({ coolingUntilMs }) => coolingUntilMs > nowMs)
        .map(({ model, coolingUntilMs, coolingReason }) => ({ model, untilMs: coolingUntilMs, reason: coolingReason }));
      return {
        limits: limits
          .filter((limit) => isOf(limit, wanted, viewer, backends))
          .map((limit) => ({ ...limit, ...paceOf(limit, nowMs) })),
        cooldowns: viewer.role === 'caller' ? [] : cooldowns,
      };
    },
  }),
];

export async function limitStates({ bus }: ConsoleBackends): Promise<readonly wire.LimitState[]> {
  const answer = await ask(
    bus,
    subjects.telemetry('limits'),
    [wire.LimitsRequestSchema, {}],
    wire.LimitsResponseSchema,
  );
  return accepted(answer).limits;
}

/** Callers see the limits of their own client and projects. */
function isOf(
  { scope: of, id }: wire.LimitState,
  { client, project }: { client?: string | undefined; project?: string | undefined },
  viewer: Viewer,
  { snapshot }: ConsoleBackends,
): boolean {
  if (viewer.role !== 'caller') return client === undefined || (of === 'client' && id === client);
  if (of === 'client') return project === undefined && id === client;
  const owner = of === 'project' ? snapshot?.projects.get(id)?.client : undefined;
  return owner !== undefined && maySee(viewer, { client: owner, project: id });
}
