import { join } from 'node:path';
import type { BusTlsFiles, BusUser } from '@will/bus';
import { type BusFolder, prepareBusFolder } from '@will/bus-server';
import type { Environment } from './environment.ts';

/** A bus with users and TLS for this machine; what was made once is used again. */
export const prepareSecureBus = (dataDir: string): Promise<BusFolder> =>
  prepareBusFolder(join(dataDir, 'bus'), { nowMs: Date.now() });

/** What a program of ours is told to be let in as a user. */
export function environmentAs(user: BusUser, bus: BusFolder): Environment {
  const { seedFile, tls } = filesAs(user, bus);
  return {
    NATS_SEED_FILE: seedFile,
    WILL_NATS_TLS_CA: tls.ca,
    WILL_NATS_TLS_CERT: tls.cert,
    WILL_NATS_TLS_KEY: tls.key,
  };
}

/** Files that let somebody in as a user. */
export const filesAs = (user: BusUser, bus: BusFolder): { readonly seedFile: string; readonly tls: BusTlsFiles } => ({
  seedFile: bus.seedOf(user),
  tls: { ca: bus.ca, cert: bus.certOf(user), key: bus.keyOf(user) },
});
