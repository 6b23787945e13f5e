import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { serviceProcess } from '@will/runtime';
import { root } from '../paths.ts';
import { Mendable } from '../say.ts';
import { KeptProcess } from './kept-process.ts';
import { LogFile } from './log-file.ts';

export type ServiceName =
  | 'registry'
  | 'policy'
  | 'telemetry'
  | 'provider-worker'
  | 'router'
  | 'tasks'
  | 'gateway'
  | 'console';

export type Environment = Readonly<Record<string, string>>;

/** What a service may see of our environment besides its settings: no keys, except for the one that calls providers. */
const harmless =
  /^(PATH|HOME|TMPDIR|TMP|TEMP|TZ|LANG|LC_\w+|USER|SYSTEMROOT|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|WILL_\w+|OTEL_\w+)$/;

/** A service as a process of its own. It says over IPC when it is ready, and stops by itself when we are gone. */
export function keptService(name: ServiceName, settings: Environment, dataDir: string): KeptProcess {
  const { execArgv, env } = serviceProcess(join(dataDir, 'compile-cache'));
  return new KeptProcess({
    name,
    log: new LogFile(dataDir, name),
    spawn: () =>
      fork(join(root, 'services', name, 'src', 'main.ts'), {
        cwd: root,
        env: { ...inherited(name), ...env, ...settings },
        execArgv,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        // Away from the terminal's Ctrl-C: the order in which they stop is ours.
        detached: true,
      }),
    untilUp: (child) => untilReady(name, child),
  });
}

const storing: ReadonlySet<ServiceName | 'nats-server'> = new Set(['registry', 'telemetry', 'tasks']);

/** What a process below us sees of our own environment. */
export function inherited(name: ServiceName | 'nats-server', env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const isSeen = (key: string): boolean =>
    // It holds a password.
    key === 'WILL_MONGODB_URI' ? storing.has(name) : name === 'provider-worker' || harmless.test(key);
  return Object.fromEntries(Object.entries(env).filter(([key]) => isSeen(key)));
}

function untilReady(name: ServiceName, child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: { kind?: string; message?: string }) => {
      if (message.kind === 'ready') resolve();
      if (message.kind === 'failed') reject(new Mendable(`${name}: ${message.message ?? 'failed without a reason'}`));
    });
  });
}
