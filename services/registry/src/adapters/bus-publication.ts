import type { ProcessesView, SnapshotPublisher } from '@will/bus';
import type { wire } from '@will/contracts';
import type { LiveProcess, LiveProcesses, Publication } from '../ports.ts';

/** Services that work without documents: nobody waits for them. */
const withoutDocuments: ReadonlySet<string> = new Set(['registry', 'telemetry', 'console']);

export const busPublication = (publisher: SnapshotPublisher): Publication => ({
  publish: (revision, documents) => publisher.publish(revision, documents),
});

export const busProcesses = (view: ProcessesView): LiveProcesses => ({
  followers: () => followersAmong([...view.processes.values()]),
  silent: (withinMs) =>
    followersAmong(
      [...view.silent.values()]
        .filter(({ sinceMs }) => performance.now() - sinceMs < withinMs)
        .map(({ presence }) => presence),
    ),
  onChange: (listener) => view.onChange(listener),
});

/** Providers that the live workers can speak to together; undefined: no worker says it. */
export function providersOf({ processes }: Pick<ProcessesView, 'processes'>): ReadonlySet<string> | undefined {
  const providers = new Set([...processes.values()].flatMap((process) => process.providers));
  return providers.size > 0 ? providers : undefined;
}

const followersAmong = (processes: readonly wire.Presence[]): readonly LiveProcess[] =>
  processes
    .filter(({ service }) => !withoutDocuments.has(service))
    .map(({ processId, service, revision }) => ({ processId, service, revision: Number(revision) }));
