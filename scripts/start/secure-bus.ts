import { join } from 'node:path';
import type { BusUser } from '@will/bus';
import { type BusFolder, prepareBusFolder } from '@will/bus-server';
import type { Environment } from './service.ts';

/** A bus with users and TLS for this machine; what was made once is used again. */
export const prepareSecureBus = (dataDir: string): Promise<BusFolder> =>
  prepareBusFolder(join(dataDir, 'bus'), { nowMs: Date.now() });

/** What a program of ours is told to be let in as a user. */
export const environmentAs = (user: BusUser, bus: BusFolder): Environment => ({
  NATS_SEED_FILE: bus.seedOf(user),
  WILL_NATS_TLS_CA: bus.ca,
  WILL_NATS_TLS_CERT: bus.certOf(user),
  WILL_NATS_TLS_KEY: bus.keyOf(user),
});
