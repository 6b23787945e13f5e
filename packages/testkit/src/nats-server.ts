import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';

/** A nats-server of a test's own, with JetStream in a temporary folder. */
export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** SIGTERM, waits until it is gone, removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL; what it stored stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>;
  suspend(): void;
  resume(): void;
}

const cached = fileURLToPath(new URL('../../../.cache/nats/nats-server', import.meta.url));

/** Where the nats-server is: the one that `npm test` names, the one it brought, else the one on PATH. */
export function findNatsServer(): string {
  const name = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
  const places = [
    process.env['WILL_NATS_SERVER'] ?? '',
    cached,
    ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)),
  ];
  const found = places.find((place) => existsSync(place));
  if (!found)
    throw new Error(
      'no nats-server found: any `npm run` that needs one brings it (`npm run bench`), or put one on PATH',
    );
  return found;
}

export interface NatsServerOptions {
  /** Text of a configuration beside the flags. */
  readonly conf?: string;
  /** Or the file that holds it. */
  readonly confFile?: string;
  /** Seed of a user that may connect. */
  readonly seed?: string;
  /** Files of TLS of that user, where `conf` wants it. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** False: it is up but lets nobody in, so its first answer is not waited for. */
  readonly answers?: boolean;
  /** Folder that exists, for what it stores: it stays. Default: a temporary one, removed at the end. */
  readonly storeFolder?: string;
  /** Address it listens on. Default: 127.0.0.1. */
  readonly host?: string;
}

export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'will-nats-'));
  if (options.conf !== undefined) await writeFile(join(folder, 'nats.conf'), options.conf);
  const confFile = options.conf === undefined ? options.confFile : join(folder, 'nats.conf');
  const more = confFile === undefined ? [] : ['-c', confFile];
  const store = options.storeFolder ?? join(folder, 'store');
  const host = options.host ?? '127.0.0.1';
  let child = await launch({ folder, store, host, port: -1, more });
  const port = await portOf(folder, child);
  if (options.answers !== false) await untilAnswers(host, port, options);
  return {
    url: `nats://${host}:${port}`,
    port,
    get pid() {
      return child.pid as number;
    },
    async stop() {
      await end(child, 'SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => end(child, 'SIGKILL'),
    async restart() {
      await end(child, 'SIGTERM');
      child = await launch({ folder, store, host, port, more });
      await untilAnswers(host, port, options);
    },
    suspend: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
  };
}

interface Launch {
  readonly folder: string;
  readonly store: string;
  readonly host: string;
  readonly port: number;
  readonly more: readonly string[];
}

async function launch({ folder, store, host, port, more }: Launch): Promise<ChildProcess> {
  const flags = ['-a', host, '-p', String(port), '-js', '-sd', store, '--ports_file_dir', folder, ...more];
  const child = spawn(findNatsServer(), flags, { stdio: 'ignore' });
  await once(child, 'spawn');
  return child;
}

/** The server writes the port it chose into a file named after its process. */
async function portOf(folder: string, child: ChildProcess): Promise<number> {
  const file = join(folder, `nats-server_${child.pid}.ports`);
  for (let tries = 0; tries < 500; tries += 1) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const port = /:(\d+)/.exec(text)?.[1];
    if (port) return Number(port);
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode} at its start`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('nats-server named no port within 5 s');
}

async function untilAnswers(host: string, port: number, { seed, tls }: NatsServerOptions): Promise<void> {
  const connection = await connect({
    servers: `${host}:${port}`,
    waitOnFirstConnect: true,
    reconnectTimeWait: 20,
    maxReconnectAttempts: 250,
    ignoreAuthErrorAbort: true,
    ...(seed !== undefined && { authenticator: nkeyAuthenticator(Buffer.from(seed.trim())) }),
    ...(tls && { tls: { handshakeFirst: true, caFile: tls.ca, certFile: tls.cert, keyFile: tls.key } }),
  });
  await connection.close();
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
