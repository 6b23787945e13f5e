import { announce, type Bus, followKeys, followSnapshot, type SnapshotView, watchProcesses } from '@will/bus';
import { connectClient } from '@will/client';
import type { ConsoleBackends } from '../backends.ts';
import { LiveCalls } from '../live/live-calls.ts';

export interface ConsoleBusBackends extends ConsoleBackends {
  readonly snapshots: SnapshotView;
  /** Ends all that was begun on the bus, newest first. */
  close(): Promise<void>;
}

/**
 * Connects to what the product tells over the bus. `metricsUrl`: where this process's metrics are asked; '': nowhere.
 */
export async function connectBackends(bus: Bus, metricsUrl: string): Promise<ConsoleBusBackends> {
  const keys = await followKeys(bus);
  const snapshots = await followSnapshot(bus);
  const processes = await watchProcesses(bus);
  const tasks = await connectClient({ bus, speaksForMany: true });
  const live = new LiveCalls(bus, Date.now);
  const presence = await announce(bus, 'console', () => ({ revision: snapshots.current?.revision ?? 0, metricsUrl }));
  const stopListening = snapshots.onChange(() => presence.update());
  return {
    bus,
    tasks,
    processes,
    live,
    snapshots,
    findKey: (id) => keys.get(id),
    nowMs: Date.now,
    get snapshot() {
      return snapshots.current;
    },
    async close() {
      stopListening();
      await presence.stop();
      await live.stop();
      await tasks.close();
      await processes.stop();
      snapshots.stop();
      keys.stop();
    },
  };
}
