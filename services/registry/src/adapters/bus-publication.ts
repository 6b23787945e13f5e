import type { ProcessesView, SnapshotPublisher } from '@will/bus';
import type { LiveProcesses, Publication } from '../ports.ts';

/** Services that work without documents: nobody waits for them. */
const withoutDocuments: ReadonlySet<string> = new Set(['registry', 'telemetry']);

export const busPublication = (publisher: SnapshotPublisher): Publication => ({
  publish: (revision, documents) => publisher.publish(revision, documents),
});

export const busProcesses = (view: ProcessesView): LiveProcesses => ({
  followers: () =>
    [...view.processes.values()]
      .filter(({ service }) => !withoutDocuments.has(service))
      .map(({ processId, service, revision }) => ({ processId, service, revision: Number(revision) })),
  onChange: (listener) => view.onChange(listener),
});
