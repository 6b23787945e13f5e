import { join } from 'node:path';
import type { CallLog } from './call-log.ts';
import type { DocumentStore } from './documents.ts';
import { openCallLog, openDocumentStore, openTaskStore } from './sqlite/open.ts';
import type { TaskStore } from './tasks.ts';

/** Settings that say where stores lie. */
export interface StoreSettings {
  /** Holds a file for each store; not used with MongoDB. */
  readonly dataDir: string;
  /** `WILL_MONGODB_URI`; undefined: SQLite. */
  readonly mongodbUri: string | undefined;
}

/** The stores of an installation. Each throws {StoreError} when it cannot be opened. */
export interface Stores {
  documents(): Promise<DocumentStore>;
  calls(): Promise<CallLog>;
  tasks(): Promise<TaskStore>;
}

/** MongoDB where its address is set, else files. */
export const storesAt = ({ dataDir, mongodbUri }: StoreSettings): Stores =>
  mongodbUri === undefined ? storesIn(dataDir) : storesOn(mongodbUri);

const storesIn = (dataDir: string): Stores => ({
  documents: () => openDocumentStore(join(dataDir, 'registry.sqlite')),
  calls: () => openCallLog(join(dataDir, 'telemetry.sqlite')),
  tasks: () => openTaskStore(join(dataDir, 'tasks.sqlite')),
});

const reachWithinMs = 30_000;

/** The driver is loaded only where it is used. */
const storesOn = (uri: string): Stores => ({
  documents: async () => (await import('./mongo/open.ts')).openMongoDocumentStore({ uri, reachWithinMs }),
  calls: async () => (await import('./mongo/open.ts')).openMongoCallLog({ uri, reachWithinMs }),
  tasks: async () => (await import('./mongo/open.ts')).openMongoTaskStore({ uri, reachWithinMs }),
});
