import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { busUsers, newBusUser, permissionsOfClient, permissionsOfUser, publicKeyOf } from '@will/bus';
import { slugPattern } from '@will/core';
import { type Certificate, certificateOfServer, certificateOfUser, isGood, newAuthority } from './certificates.ts';
import { serverConf, type ServerUser, usersConf } from './server-conf.ts';

/** The places of the parts of one bus with users and TLS. Only its owner may look inside. */
export interface BusFolder {
  readonly folder: string;
  /** Configuration of its nats-server. */
  readonly conf: string;
  /** Certificate of the authority that signed all others. */
  readonly ca: string;
  /** Files of one user: a service, `operator`, or a caller by `callerUser(client)`. */
  seedOf(user: string): string;
  certOf(user: string): string;
  keyOf(user: string): string;
}

/** Options of opening a folder of a secured bus. */
export interface OpenOptions {
  /** Names and addresses that the nats-server is reached by. Default: this machine's own. */
  readonly hosts?: readonly string[];
  readonly nowMs: number;
}

const ownHosts = ['localhost', '127.0.0.1', '::1'];
const server = 'server';
/** A client's user is told from a service of the same name. */
export const callerUser = (client: string): string => `client.${client}`;
/** The file with a user's seed. */
export const seedFileOf = (folder: string, user: string): string => join(folder, `${user}.seed`);

/** Names the files of a folder, whether they are there or not. */
export function openBusFolder(folder: string): BusFolder {
  const full = resolve(folder);
  return {
    folder: full,
    conf: join(full, 'nats.conf'),
    ca: join(full, 'ca.crt'),
    seedOf: (user) => seedFileOf(full, user),
    certOf: (user) => join(full, `${user}.crt`),
    keyOf: (user) => join(full, `${user}.key`),
  };
}

/**
 * Makes what is not there yet: a seed and a certificate for each user, the authority, the server's certificate and its
 * configuration. What is there stays, but for certificates that end within 30 days or do not name every host.
 */
export async function prepareBusFolder(folder: string, options: OpenOptions): Promise<BusFolder> {
  const files = openBusFolder(folder);
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
  const { nowMs } = options;
  const users = [...busUsers, ...(await callersOf(folder)).map(({ client }) => callerUser(client))];
  for (const user of users) await keepSeed(files.seedOf(user));
  const authority = await keepAuthority(files, nowMs);
  const hosts = [...new Set([...ownHosts, ...(options.hosts ?? [])])];
  await keepCertificate(files, authority, server, hosts, nowMs, () => certificateOfServer(authority, hosts, nowMs));
  for (const user of users)
    await keepCertificate(files, authority, user, [], nowMs, () => certificateOfUser(authority, user, nowMs));
  await replace(
    files.conf,
    serverConf({
      about: 'Made by `npm start -- --secure` or `willm bus config`; made again the next time.',
      tls: { ca: files.ca, cert: files.certOf(server), key: files.keyOf(server) },
      users: 'users.conf',
      pidFile: pidFileOf(folder),
    }),
  );
  await writeUsers(files);
  return files;
}

/** Somebody else's programs, which act as one client. */
export interface BusCaller {
  readonly client: string;
  readonly publicKey: string;
}

/** Makes a user that may do what the client may, and nothing else. @throws {RangeError} when it has one, is no slug, or the folder holds no bus */
export async function addCaller(folder: string, client: string, nowMs: number): Promise<BusFolder> {
  if (!slugPattern.test(client))
    throw new RangeError(`client ${JSON.stringify(client)} must match ${slugPattern.source}`);
  const files = openBusFolder(folder);
  const callers = await callersOf(folder);
  if (callers.some((caller) => caller.client === client))
    throw new RangeError(`client ${client} has a user already: remove it first, to change its keys`);
  const authority = await readPair(files.ca, authorityKeyOf(files));
  if (!authority)
    throw new RangeError(
      `${files.folder} holds no bus with users: \`willm bus config\` or \`npm start -- --secure\` makes one`,
    );
  const user = callerUser(client);
  const { seed, publicKey } = newBusUser();
  await writeFile(files.seedOf(user), `${seed}\n`, { mode: 0o600 });
  await writePair(files, user, await certificateOfUser(authority, user, nowMs));
  await writeCallers(files, [...callers, { client, publicKey }]);
  return files;
}

/** Its user is let in no more. @throws {RangeError} when it has none */
export async function removeCaller(folder: string, client: string): Promise<void> {
  const files = openBusFolder(folder);
  const callers = await callersOf(folder);
  if (!callers.some((caller) => caller.client === client)) throw new RangeError(`client ${client} has no user`);
  const user = callerUser(client);
  await writeCallers(
    files,
    callers.filter((caller) => caller.client !== client),
  );
  for (const path of [files.seedOf(user), files.certOf(user), files.keyOf(user)]) await rm(path, { force: true });
}

/** Clients that have a user. */
export async function callersOf(folder: string): Promise<readonly BusCaller[]> {
  const text = await readIfThere(join(folder, 'callers.json'));
  return text === undefined ? [] : (JSON.parse(text) as BusCaller[]);
}

/** Tells the folder's nats-server to read its files again: new users are let in, removed ones sent away. False: none runs. */
export async function reloadServer(folder: string): Promise<boolean> {
  const pid = Number(await readIfThere(pidFileOf(folder)));
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    return process.kill(pid, 'SIGHUP');
  } catch {
    // What it noted is from a run that ended.
    return false;
  }
}

const authorityKeyOf = ({ folder }: BusFolder): string => join(folder, 'ca.key');
const pidFileOf = (folder: string): string => join(resolve(folder), 'nats.pid');

async function writeCallers(files: BusFolder, callers: readonly BusCaller[]): Promise<void> {
  await replace(join(files.folder, 'callers.json'), `${JSON.stringify(callers, undefined, 2)}\n`);
  await writeUsers(files);
}

async function writeUsers(files: BusFolder): Promise<void> {
  const users: ServerUser[] = [];
  for (const user of busUsers) {
    const publicKey = publicKeyOf(await readFile(files.seedOf(user), 'utf8'));
    users.push({ name: user, publicKey, permissions: permissionsOfUser(user) });
  }
  for (const { client, publicKey } of await callersOf(files.folder))
    users.push({ name: callerUser(client), publicKey, permissions: permissionsOfClient(client) });
  await replace(join(files.folder, 'users.conf'), usersConf(users));
}

async function keepSeed(path: string): Promise<void> {
  if ((await readIfThere(path)) === undefined) await writeFile(path, `${newBusUser().seed}\n`, { mode: 0o600 });
}

async function keepAuthority(files: BusFolder, nowMs: number): Promise<Certificate> {
  const keyFile = authorityKeyOf(files);
  const kept = await readPair(files.ca, keyFile);
  if (kept && (await isGood(kept.cert, kept.cert, [], nowMs))) return kept;
  const made = await newAuthority(nowMs);
  await replace(keyFile, made.key);
  await replace(files.ca, made.cert);
  return made;
}

async function keepCertificate(
  files: BusFolder,
  authority: Certificate,
  user: string,
  hosts: readonly string[],
  nowMs: number,
  make: () => Promise<Certificate>,
): Promise<void> {
  const kept = await readPair(files.certOf(user), files.keyOf(user));
  if (kept && (await isGood(kept.cert, authority.cert, hosts, nowMs))) return;
  await writePair(files, user, await make());
}

async function writePair(files: BusFolder, user: string, { cert, key }: Certificate): Promise<void> {
  await replace(files.keyOf(user), key);
  await replace(files.certOf(user), cert);
}

async function readPair(certFile: string, keyFile: string): Promise<Certificate | undefined> {
  const [cert, key] = [await readIfThere(certFile), await readIfThere(keyFile)];
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** The one that reads it meanwhile reads the old one or the new one. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
