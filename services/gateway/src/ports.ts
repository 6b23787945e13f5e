import type { TaskClient } from '@will/client';
import type { Snapshot } from '@will/core';

/** What the gateway needs from outside. Each part is undefined until the bus has given it. */
export interface Surroundings {
  readonly client: TaskClient | undefined;
  /** The documents in force, for names of models and task types. */
  readonly snapshot: Snapshot | undefined;
  readonly fleet: Fleet | undefined;
  readonly isBusConnected: boolean;
}

/** Which processes live. */
export interface Fleet {
  /** Whether at least one process of a service lives. */
  has(service: string): boolean;
  /** Slugs of the models that some live worker serves now. */
  servedModels(): ReadonlySet<string>;
}
