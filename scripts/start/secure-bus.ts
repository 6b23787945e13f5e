import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BusService,
  busServices,
  newBusUser,
  operatorPermissions,
  permissionsOf,
  publicKeyOf,
  usersConf,
} from '@will/bus';
import { root } from '../paths.ts';

/** Where the parts of a bus with users are. */
export interface SecureBus {
  /** Configuration of its nats-server. */
  readonly conf: string;
  /** Seed of the command line's user. */
  readonly operatorSeedFile: string;
  seedFileOf(service: BusService): string;
}

/** A user for each service and one for the command line; their seeds are made once and kept for this user's eyes only. */
export async function prepareSecureBus(dataDir: string): Promise<SecureBus> {
  const folder = join(dataDir, 'bus');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fileOf = (user: string): string => join(folder, `${user}.seed`);
  const users = [];
  for (const user of ['operator', ...busServices] as const) {
    const file = fileOf(user);
    if (!existsSync(file)) await writeFile(file, `${newBusUser().seed}\n`, { mode: 0o600 });
    const publicKey = publicKeyOf(await readFile(file, 'utf8'));
    users.push({ publicKey, permissions: user === 'operator' ? operatorPermissions : permissionsOf(user) });
  }
  const conf = join(folder, 'nats.conf');
  const embedded = await readFile(join(root, 'deploy/nats/embedded.conf'), 'utf8');
  await writeFile(conf, `${embedded}\nauthorization {\n  users = [\n${usersConf(users)}\n  ]\n}\n`, { mode: 0o600 });
  return { conf, operatorSeedFile: fileOf('operator'), seedFileOf: fileOf };
}
