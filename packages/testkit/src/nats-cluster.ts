import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { freePort } from './free-port.ts';
import { findNatsServer } from './nats-server.ts';

/** Several nats-servers that are one cluster, with JetStream. */
export interface NatsCluster {
  /** Addresses of all, comma separated. */
  readonly url: string;
  readonly pids: readonly number[];
  /** SIGKILL to one of them; what it stored stays. Resolves when it is gone. */
  kill(index: number): Promise<void>;
  /** Starts one again that is gone. Resolves once the cluster has a leader. */
  restart(index: number): Promise<void>;
  stop(): Promise<void>;
}

const electionMs = 20_000;

/** Starts a cluster on free loopback ports. Resolves once it has elected who leads. */
export async function startNatsCluster(size: number): Promise<NatsCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'will-nats-'));
  const ports = await Promise.all(Array.from({ length: 2 * size }, freePort));
  const [clients, routes] = [ports.slice(0, size), ports.slice(size)];
  const children = clients.map((port, n) => launch(folder, n, port, routes));
  const url = clients.map((port) => `nats://127.0.0.1:${port}`).join(',');
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => end(child, 'SIGTERM')));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilElected(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    get pids() {
      return children.map(({ pid }) => pid as number);
    },
    kill: (index) => end(children[index] as ChildProcess, 'SIGKILL'),
    async restart(index) {
      children[index] = launch(folder, index, clients[index] as number, routes);
      await untilElected(url);
    },
    stop,
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

function launch(folder: string, n: number, port: number, routes: readonly number[]): ChildProcess {
  const address = (of: number): string => `nats://127.0.0.1:${of}`;
  const flags = ['-a', '127.0.0.1', '-p', `${port}`, '-n', `n${n}`, '-js', '-sd', join(folder, `n${n}`)];
  const cluster = [
    '--cluster_name',
    'will',
    '-cluster',
    address(routes[n] as number),
    '-routes',
    routes.map(address).join(','),
  ];
  return spawn(findNatsServer(), [...flags, ...cluster], { stdio: 'ignore' });
}

/** JetStream answers only once somebody leads. */
async function untilElected(url: string): Promise<void> {
  const connection = await connect({
    servers: url.split(','),
    waitOnFirstConnect: true,
    reconnectTimeWait: 50,
    maxReconnectAttempts: 400,
  });
  const giveUpMs = performance.now() + electionMs;
  try {
    for (;;) {
      const isElected = await jetstreamManager(connection, { timeout: 1_000 })
        .then(async (manager) => (await manager.getAccountInfo()) !== undefined)
        .catch(() => false);
      if (isElected) return;
      if (performance.now() > giveUpMs) throw new Error(`the cluster elected nobody within ${electionMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await connection.close();
  }
}
