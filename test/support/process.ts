import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceProcess } from '@will/runtime';
import { compileCache, programOf } from './programs.ts';

export type ServiceName =
  | 'registry'
  | 'policy'
  | 'router'
  | 'provider-worker'
  | 'telemetry'
  | 'tasks'
  | 'gateway'
  | 'console';

/** A service running as its own process. */
export interface ServiceProcess {
  readonly name: ServiceName;
  readonly pid: number;
  /** False once it ended. Its pid may be another process's by then. */
  readonly isRunning: boolean;
  /** What it wrote so far, for messages of failed tests. */
  log(): string;
  /** SIGTERM, and waits until it is gone. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Enough for a whole test, so that what is searched for secrets is all of it. */
const logKeptBytes = 16 * 1024 * 1024;

/**
 * Starts a service's own main.ts, `through` a command that runs another one in its own place. Resolves once it says that it is ready; rejects with its one line
 * when it failed.
 */
export async function startService(
  name: ServiceName,
  env: Readonly<Record<string, string>>,
  through: readonly string[] = [],
): Promise<ServiceProcess> {
  return started(name, launch(programOf(name), env, through));
}

/** Starts services as `npm start` hosts them: all are one process, so that a signal to one of them reaches all. */
export async function startTogether(
  names: readonly ServiceName[],
  envOf: (name: ServiceName) => Readonly<Record<string, string>>,
): Promise<readonly ServiceProcess[]> {
  // What a document names by `env://` is read of the process.
  const child = launch(join(root, 'scripts/start/one-process.ts'), envOf('provider-worker'));
  child.send({ groups: names.map((name) => [{ name, env: envOf(name) }]) });
  const host = await started(names[0] as ServiceName, child);
  return names.map((name) => Object.defineProperties({ ...host, name }, { isRunning: { get: () => host.isRunning } }));
}

function launch(program: string, env: Readonly<Record<string, string>>, through: readonly string[] = []): ChildProcess {
  const how = serviceProcess(compileCache());
  const [execPath = process.execPath, ...execArgv] = [...through, process.execPath, ...how.execArgv];
  return fork(program, {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', WILL_LOG_LEVEL: 'warn', ...how.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execPath,
    execArgv,
  });
}

async function started(name: ServiceName, child: ChildProcess): Promise<ServiceProcess> {
  const log = keepLog(child);
  const exited = once(child, 'exit') as Promise<[number | null]>;
  await untilReady(name, child, exited, log);
  return {
    name,
    pid: child.pid as number,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    log,
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    signal: (signal) => child.kill(signal),
  };
}

function keepLog(child: ChildProcess): () => string {
  const kept: Buffer[] = [];
  let bytes = 0;
  const keep = (chunk: Buffer): void => {
    kept.push(chunk);
    bytes += chunk.length;
    while (bytes > logKeptBytes) bytes -= kept.shift()?.length ?? bytes;
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => Buffer.concat(kept).toString();
}

async function untilReady(
  name: string,
  child: ChildProcess,
  exited: Promise<[number | null]>,
  log: () => string,
): Promise<void> {
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (message: { kind: string; message?: string }) => {
      if (message.kind === 'ready') resolve();
      if (message.kind === 'failed') reject(new Error(`${name}: ${message.message ?? 'failed'}`));
    });
  });
  const gone = exited.then(([code]) => {
    throw new Error(`${name} ended with ${code} before it was ready:\n${log()}`);
  });
  gone.catch(() => {});
  await Promise.race([ready, gone]);
}
