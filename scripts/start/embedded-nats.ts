import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { askServer } from '../nats-url.ts';
import { root } from '../paths.ts';
import { KeptProcess } from './kept-process.ts';
import { LogFile } from './log-file.ts';

const host = '127.0.0.1';

/** The nats-server that `npm start` brings, with its streams below the data folder; loopback only. */
export function keptNats(program: string, port: number, dataDir: string, conf: string): KeptProcess {
  const store = join(dataDir, 'nats');
  mkdirSync(store, { recursive: true });
  const flags = ['-c', conf, '-a', host, '-p', String(port), '-sd', store];
  return new KeptProcess({
    name: 'nats-server',
    log: new NatsLog(dataDir, 'nats-server'),
    spawn() {
      const child = spawn(program, flags, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      endWithUs(child);
      return child;
    },
    untilUp: (child) => untilAnswers(port, child),
  });
}

/** Its log is plain text; only the file gets it. */
class NatsLog extends LogFile {
  constructor(dataDir: string, name: string) {
    super(dataDir, name);
    this.mute();
  }
}

async function untilAnswers(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const info = await askServer(host, port).catch(() => undefined);
    if (info?.jetstream) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * A nats-server does not notice that its supervisor was killed. A small shell does: it waits on a pipe from us, which
 * ends with us, gives the services three seconds to stop, and then stops it. A line on the pipe means: no longer needed.
 */
function endWithUs(child: ChildProcess): void {
  if (process.platform === 'win32' || child.pid === undefined) return;
  const script = `read line && exit 0; sleep 3; kill -TERM ${child.pid}`;
  const watcher = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  watcher.on('error', () => {});
  watcher.stdin.on('error', () => {});
  child.once('exit', () => watcher.stdin.end('done\n'));
  watcher.unref();
}
