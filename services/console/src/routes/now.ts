import { BusError } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { ask, OperatorError, servedModels, type WindowLine } from '@will/operator';
import { roles, route } from '../api/route.ts';
import type { ConsoleBackends } from '../backends.ts';
import { type ModelNow, problemsOf } from './problems.ts';

export const nowRoutes = [
  route({
    method: 'GET',
    path: '/admin/v1/now',
    access: roles.readers,
    summary: 'What is wrong now, since when and for whom; models, processes and limits as they are',
    answer: async (_asked, backends) => {
      const nowMs = backends.nowMs();
      const [status, limits, window] = await Promise.all([
        statusOf(backends),
        limitsOf(backends),
        windowOf(backends, nowMs),
      ]);
      const processes = [...backends.processes.processes.values()];
      const models = modelsNow(processes, window);
      const silent = [...backends.processes.silent.values()].map(({ presence, sinceMs }) => ({
        processId: presence.processId,
        service: presence.service,
        sinceMs: Math.round(nowMs - (performance.now() - sinceMs)),
      }));
      const lagging = status?.lagging ?? [];
      return {
        atMs: nowMs,
        revision: status?.revision ?? null,
        problems: problemsOf({ models, processes, silent, lagging, limits, nowMs, hasRegistry: status !== undefined }),
        models,
        processes: processes.map(({ models: _served, ...process }) => ({
          ...process,
          isLagging: lagging.includes(process.processId),
        })),
        limits: limits.filter(({ used, most }) => used * 10n >= most * 9n),
      };
    },
  }),
];

/** Undefined: no registry answers. */
const statusOf = ({ bus }: ConsoleBackends): Promise<wire.StatusResponse | undefined> =>
  unlessSilent(ask(bus, subjects.registry('status'), [wire.StatusRequestSchema, {}], wire.StatusResponseSchema));

/** None where telemetry does not answer, which is a problem of its own. */
export const limitsOf = async ({ bus }: ConsoleBackends): Promise<readonly wire.LimitState[]> =>
  (
    await unlessSilent(
      ask(bus, subjects.telemetry('limits'), [wire.LimitsRequestSchema, {}], wire.LimitsResponseSchema),
    )
  )?.limits ?? [];

/** A view of what is wrong is shown also where a service is what is wrong. */
async function unlessSilent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof OperatorError) return undefined;
    throw error;
  }
}

async function windowOf({ live }: ConsoleBackends, nowMs: number): Promise<readonly WindowLine[]> {
  try {
    return (await live.window()).lines(nowMs);
  } catch (error) {
    if (error instanceof BusError) return [];
    throw error;
  }
}

/** Models with calls first, then those without any. */
function modelsNow(processes: readonly wire.Presence[], window: readonly WindowLine[]): readonly ModelNow[] {
  const served = new Map(servedModels(processes).map((line) => [line.model, line]));
  const called = new Map(window.map((line) => [line.model, line]));
  return [...new Set([...called.keys(), ...served.keys()])]
    .filter((model) => model !== '')
    .map((model) => ({
      workers: 0,
      slots: 0,
      inFlight: 0,
      reason: '',
      coolingUntilMs: 0,
      coolingReason: '',
      calls: 0,
      errors: 0,
      ...called.get(model),
      ...served.get(model),
      model,
    }));
}
