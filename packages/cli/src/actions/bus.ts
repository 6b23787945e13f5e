import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  addCaller,
  type BusFolder,
  callersOf,
  callerUser,
  hostsInCluster,
  kubernetesSecrets,
  type Namespaces,
  prepareBusFolder,
  reloadServer,
  removeCaller,
  defaultNamespaces,
} from '@will/bus-server';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';

export interface BusFolderOptions {
  /** Default: `bus` in the data folder, as `npm start -- --secure` has it. */
  readonly folder?: string;
  readonly json?: boolean;
}
export interface BusConfigOptions extends BusFolderOptions {
  /** Names and addresses that the nats-server is reached by, beside this machine's own. */
  readonly host?: readonly string[];
  /** Print Secrets for the manifests. */
  readonly kubernetes?: boolean;
  /** Namespace of the services. Default: will. */
  readonly namespace?: string;
  /** Namespace of the nats-server. Default: nats. */
  readonly natsNamespace?: string;
}

const repository = fileURLToPath(new URL('../../../..', import.meta.url));
const folderOf = ({ env }: Terminal, { folder }: BusFolderOptions): string =>
  folder ?? join(env['WILL_DATA_DIR'] || join(repository, '.will'), 'bus');

/** `willm bus config`: a nats-server's configuration, and a seed and a certificate for each user. */
export async function writeBusConfig(terminal: Terminal, options: BusConfigOptions): Promise<ExitCode> {
  const namespaces: Namespaces = {
    services: options.namespace ?? defaultNamespaces.services,
    nats: options.natsNamespace ?? defaultNamespaces.nats,
  };
  const { folder, conf } = await prepareBusFolder(folderOf(terminal, options), {
    hosts: options.host ?? (options.kubernetes ? hostsInCluster(namespaces) : []),
    nowMs: Date.now(),
  });
  if (options.kubernetes) terminal.content(await kubernetesSecrets(folder, namespaces));
  else if (options.json) printJson(terminal, { folder, conf });
  else terminal.out(`${conf}\n`);
  terminal.err(`${folder} holds private keys; anyone who reads it may do everything on the bus.\n`);
  return exitCodes.success;
}

/** `willm bus users add`: a client's own programs are let in, as that client and as nobody else. */
export async function addBusUser(terminal: Terminal, client: string, options: BusFolderOptions): Promise<ExitCode> {
  const folder = folderOf(terminal, options);
  const files = await toldPlainly(() => addCaller(folder, client, Date.now()));
  const isReloaded = await reloadServer(folder);
  const given = filesOf(files, client);
  if (options.json) printJson(terminal, { client, ...given, isReloaded });
  else
    terminal.out(
      `NATS_SEED_FILE=${given.seed}\nWILL_NATS_TLS_CA=${given.ca}\nWILL_NATS_TLS_CERT=${given.cert}\nWILL_NATS_TLS_KEY=${given.key}\n`,
    );
  tellWhetherReloaded(terminal, isReloaded);
  return exitCodes.success;
}

/** `willm bus users remove`: its connections end, and nobody is let in as it again. */
export async function removeBusUser(terminal: Terminal, client: string, options: BusFolderOptions): Promise<ExitCode> {
  const folder = folderOf(terminal, options);
  await toldPlainly(() => removeCaller(folder, client));
  tellWhetherReloaded(terminal, await reloadServer(folder));
  return exitCodes.success;
}

/** `willm bus users ls` */
export async function listBusUsers(terminal: Terminal, options: BusFolderOptions): Promise<ExitCode> {
  const callers = await callersOf(folderOf(terminal, options));
  if (options.json) printJson(terminal, callers);
  else if (callers.length === 0) terminal.err('no client has a user on the bus\n');
  else
    terminal.out(
      table(callers, [
        { title: 'CLIENT', value: ({ client }) => client },
        { title: 'PUBLIC KEY', value: ({ publicKey }) => publicKey },
      ]),
    );
  return exitCodes.success;
}

const filesOf = (files: BusFolder, client: string) => ({
  seed: files.seedOf(callerUser(client)),
  ca: files.ca,
  cert: files.certOf(callerUser(client)),
  key: files.keyOf(callerUser(client)),
});

function tellWhetherReloaded(terminal: Terminal, isReloaded: boolean): void {
  terminal.err(
    isReloaded
      ? 'The nats-server was told to read its users again.\n'
      : 'No nats-server of this folder runs here: one elsewhere needs the new users.conf and a SIGHUP.\n',
  );
}

/** @throws {CliError} when what was asked cannot be */
async function toldPlainly<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof RangeError) throw new CliError(exitCodes.usage, error.message);
    throw error;
  }
}
