import { watchProcesses, type Bus } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { OperatorError, type ServedModelRow, servedModels } from '@will/operator';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { duration, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';

interface Found {
  /** Undefined: no registry runs. */
  readonly registry: wire.StatusResponse | undefined;
  readonly processes: readonly wire.Presence[];
}

/** `willm status`: which processes live, on which revision, and which models are served. */
export async function status(
  terminal: Terminal,
  options: { readonly json?: boolean },
  nowMs = Date.now(),
): Promise<ExitCode> {
  const found = await withBus(terminal, look);
  if (options.json) printJson(terminal, asJson(found));
  else show(terminal, found, nowMs);
  return found.processes.length > 0 ? exitCodes.success : exitCodes.failed;
}

async function look(bus: Bus): Promise<Found> {
  const registry = await ask(
    bus,
    subjects.registry('status'),
    [wire.StatusRequestSchema, {}],
    wire.StatusResponseSchema,
  ).catch((error: unknown) => {
    if (error instanceof OperatorError) return undefined;
    throw error;
  });
  const view = await watchProcesses(bus);
  const processes = [...view.processes.values()].sort((a, b) => order(a).localeCompare(order(b)));
  await view.stop();
  return { registry: registry?.error === '' ? registry : undefined, processes };
}

const order = ({ service, processId }: wire.Presence): string => `${service} ${processId}`;

const asJson = ({ registry, processes }: Found): object => ({
  revision: registry?.revision ?? null,
  publishedRevision: registry?.publishedRevision ?? null,
  documents: Object.fromEntries((registry?.counts ?? []).map(({ kind, count }) => [kind, count])),
  lagging: registry?.lagging ?? [],
  warnings: registry?.warnings ?? [],
  changes: [...changesIn(processes)],
  processes,
});

function show(terminal: Terminal, { registry, processes }: Found, nowMs: number): void {
  if (registry) terminal.out(`${documentsInWords(registry)}\n\n`);
  else terminal.err('no registry answers\n');
  if (processes.length === 0) return terminal.err('no process has announced itself; run `npm start`\n');
  terminal.out(processTable(processes, nowMs));
  for (const line of laggingInWords(registry, processes)) terminal.out(`${line}\n`);
  for (const warning of registry?.warnings ?? []) terminal.out(`warning: ${warning}\n`);
  for (const change of changesIn(processes)) terminal.out(`changed: ${change}\n`);
  const served = servedModels(processes);
  terminal.out(served.length === 0 ? '\nno model is served\n' : `\n${servedTable(served, nowMs)}`);
}

const processTable = (processes: readonly wire.Presence[], nowMs: number): string =>
  table(processes, [
    { title: 'SERVICE', value: ({ service }) => service },
    { title: 'PROCESS', value: ({ processId }) => processId },
    { title: 'REVISION', value: ({ revision }) => (revision === 0n ? '-' : Number(revision)), align: 'right' },
    {
      title: 'UP',
      value: ({ startedUnixMs }) => duration(Math.max(0, nowMs - Number(startedUnixMs))),
      align: 'right',
    },
    ...(processes.some(({ metricsUrl }) => metricsUrl !== '')
      ? [{ title: 'METRICS', value: ({ metricsUrl }: wire.Presence) => metricsUrl }]
      : []),
  ]);

const servedTable = (served: readonly ServedModelRow[], nowMs: number): string =>
  table(served, [
    { title: 'MODEL', value: ({ model }) => model },
    { title: 'WORKERS', value: ({ workers }) => workers, align: 'right' },
    { title: 'SLOTS', value: ({ slots }) => slots, align: 'right' },
    { title: 'BUSY', value: ({ inFlight }) => inFlight, align: 'right' },
    { title: 'NOT SERVED BECAUSE', value: (line) => whyNotNow(line, nowMs) },
  ]);

function whyNotNow({ reason, coolingUntilMs, coolingReason }: ServedModelRow, nowMs: number): string {
  if (reason !== '' || coolingUntilMs <= nowMs) return reason;
  return `cooling down for ${duration(coolingUntilMs - nowMs)}: ${coolingReason}`;
}

/** Who works with older documents than those in force. */
function laggingInWords(
  registry: wire.StatusResponse | undefined,
  processes: readonly wire.Presence[],
): readonly string[] {
  return (registry?.lagging ?? []).map((processId) => {
    const process = processes.find((one) => one.processId === processId);
    const has = process === undefined || process.revision === 0n ? 'none yet' : `revision ${process.revision}`;
    return `not yet on revision ${registry?.revision}: ${process?.service ?? ''} ${processId}, which has ${has}`;
  });
}

/** Every process of policy finds the same, but for what it was not there for. */
const changesIn = (processes: readonly wire.Presence[]): ReadonlySet<string> =>
  new Set(processes.flatMap(({ modelChanges }) => modelChanges));

function documentsInWords({ revision, publishedRevision, counts }: wire.StatusResponse): string {
  const documents = counts
    .filter(({ count }) => count > 0)
    .map(
      ({ kind, count }) =>
        `${count} ${kind}${count === 1 || kind === 'settings' ? '' : kind === 'reflex' ? 'es' : 's'}`,
    );
  const published = publishedRevision === revision ? '' : ` (on the bus: ${publishedRevision})`;
  return `revision ${revision}${published}: ${documents.length > 0 ? documents.join(', ') : 'no documents'}`;
}
