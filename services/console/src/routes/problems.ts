import type { wire } from '@will/contracts';
import type { ServedModelRow, WindowLine } from '@will/operator';
import { paceOf } from './pace.ts';

/** A model as it is now: what workers say of it, and its calls of the last minute. */
export type ModelNow = ServedModelRow & Pick<WindowLine, 'calls' | 'errors'> & Partial<WindowLine>;

/** One thing that is wrong. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly what: string;
  /** UTC milliseconds; absent: not known. */
  readonly sinceMs?: number;
  /** UTC milliseconds; absent: not known. */
  readonly untilMs?: number;
  /** UTC milliseconds at which a limit is used up, if use goes on as so far; absent: not within its period. */
  readonly usedUpMs?: number;
  /** Whom it concerns, in words. */
  readonly whom: string;
  /** Path of the view that says more. */
  readonly view: string;
}

export interface Present {
  readonly models: readonly ModelNow[];
  readonly processes: readonly wire.Presence[];
  readonly silent: readonly { readonly processId: string; readonly service: string; readonly sinceMs: number }[];
  readonly lagging: readonly string[];
  readonly limits: readonly wire.LimitState[];
  readonly hasRegistry: boolean;
  readonly nowMs: number;
}

/** Services that every call or its record needs. */
const needed = ['registry', 'policy', 'router', 'provider-worker', 'telemetry', 'gateway'];
const errorShare = 0.1;
const minCalls = 5;

/** Problems of the product now, errors first. */
export function problemsOf(present: Present): readonly Problem[] {
  const found = [
    ...missingServices(present),
    ...present.silent.map(silentProcess),
    ...present.lagging.map((processId) => laggingProcess(processId, present)),
    ...present.models.flatMap((model) => modelProblems(model, present.nowMs)),
    ...present.limits.flatMap((limit) => limitProblem(limit, present.nowMs)),
  ];
  return found.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
}

function missingServices({ processes, hasRegistry }: Present): readonly Problem[] {
  const live = new Set(processes.map(({ service }) => service));
  return needed
    .filter((service) => (service === 'registry' ? !hasRegistry : !live.has(service)))
    .map((service) => ({ severity: 'error', what: `no ${service} answers`, whom: 'all clients', view: '/now' }));
}

const silentProcess = ({ processId, service, sinceMs }: Present['silent'][number]): Problem => ({
  severity: 'warning',
  what: `${service} ${processId} fell silent without a goodbye: frozen, cut off or dead`,
  sinceMs,
  whom: `tasks that ${service} had`,
  view: '/now',
});

function laggingProcess(processId: string, { processes }: Present): Problem {
  const process = processes.find((one) => one.processId === processId);
  const has = process === undefined || process.revision === 0n ? 'no documents yet' : `revision ${process.revision}`;
  return {
    severity: 'warning',
    what: `${process?.service ?? 'a process'} ${processId} has ${has}, not the newest`,
    whom: 'tasks with rules on data wait for it',
    view: '/documents',
  };
}

function modelProblems(model: ModelNow, nowMs: number): readonly Problem[] {
  const whom = `tasks routed to ${model.model}`;
  const view = `/calls?model=${encodeURIComponent(model.model)}`;
  if (model.coolingUntilMs > nowMs)
    return [
      {
        severity: 'warning',
        what: `${model.model} is in cooldown: ${model.coolingReason}`,
        untilMs: model.coolingUntilMs,
        whom,
        view: '/limits',
      },
    ];
  if (model.workers === 0)
    return [
      {
        severity: 'warning',
        what: `${model.model} is not served: ${model.reason || 'no worker offers it'}`,
        whom,
        view,
      },
    ];
  if (model.calls >= minCalls && model.errors / model.calls > errorShare)
    return [
      {
        severity: 'error',
        what: `${model.errors} of ${model.calls} calls of ${model.model} failed in the last minute`,
        whom,
        view: `${view}&outcome=Blocked`,
      },
    ];
  return [];
}

function limitProblem(limit: wire.LimitState, nowMs: number): readonly Problem[] {
  const { scope, id, metric, period, used, most, periodEndsUnixMs } = limit;
  if (most === 0n || used * 10n < most * 9n) return [];
  const share = Number((used * 100n) / most);
  const { usedUpUnixMs } = paceOf(limit, nowMs);
  return [
    {
      severity: used >= most ? 'error' : 'warning',
      what: `${scope} ${id}: ${share} % of its ${metric === 'nano_usd' ? 'money' : metric} per ${period} is used`,
      untilMs: Number(periodEndsUnixMs),
      ...(used < most && usedUpUnixMs !== undefined && { usedUpMs: usedUpUnixMs }),
      whom: `${scope} ${id}`,
      view: '/limits',
    },
  ];
}
