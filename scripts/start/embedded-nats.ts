import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BusError, connectBus } from '@will/bus';
import type { BusFolder } from '@will/bus-server';
import { askServer } from '../nats-url.ts';
import { root } from '../paths.ts';
import { KeptProcess } from './kept-process.ts';
import { LogFile } from './log-file.ts';
import { inherited } from './environment.ts';
import { filesAs } from './secure-bus.ts';

const host = '127.0.0.1';

/** The nats-server that `npm start` brings, with its streams below the data folder; loopback only. */
export function keptNats(
  program: string,
  port: number,
  dataDir: string,
  conf: string,
  secure: BusFolder | undefined,
): KeptProcess {
  const store = join(dataDir, 'nats');
  mkdirSync(store, { recursive: true });
  const flags = ['-c', conf, '-a', host, '-p', String(port), '-sd', store];
  return new KeptProcess({
    name: 'nats-server',
    log: new NatsLog(dataDir, 'nats-server'),
    spawn() {
      const child = spawn(program, flags, {
        cwd: root,
        env: inherited('nats-server'),
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      endWithUs(child);
      return child;
    },
    untilUp: (child) => untilAnswers(port, child, secure),
  });
}

/** Its log is plain text; only the file gets it. */
class NatsLog extends LogFile {
  constructor(dataDir: string, name: string) {
    super(dataDir, name);
    this.mute();
  }
}

async function untilAnswers(port: number, child: ChildProcess, secure: BusFolder | undefined): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const isUp = secure
      ? await letsUsIn(port, secure)
      : (await askServer(host, port).catch(() => undefined))?.jetstream;
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A server with TLS says nothing to who does not begin with it. */
async function letsUsIn(port: number, secure: BusFolder): Promise<boolean> {
  const { seedFile, tls } = filesAs('operator', secure);
  const servers = `nats://${host}:${port}`;
  try {
    const bus = await connectBus({ servers, processId: 'start', inboxScope: 'start', seedFile, tls });
    const isUp = bus.connection.info?.jetstream === true;
    await bus.close();
    return isUp;
  } catch (error) {
    if (error instanceof BusError && error.code === 'disconnected') return false;
    throw error;
  }
}

/**
 * A nats-server does not notice that its supervisor was killed. A small shell does: it waits on a pipe from us, which
 * ends with us, gives the services three seconds to stop, and then stops it. A line on the pipe means: no longer needed.
 */
function endWithUs(child: ChildProcess): void {
  if (process.platform === 'win32' || child.pid === undefined) return;
  const script = `read line && exit 0; sleep 3; kill -TERM ${child.pid}`;
  const watcher = spawn('/bin/sh', ['-c', script], {
    env: inherited('nats-server'),
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.on('error', () => {});
  watcher.stdin.on('error', () => {});
  child.once('exit', () => watcher.stdin.end('done\n'));
  watcher.unref();
}
