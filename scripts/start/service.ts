import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { serviceProcess } from '@will/runtime';
import { root } from '../paths.ts';
import { Mendable } from '../say.ts';
import { type Environment, inherited } from './environment.ts';
import { KeptProcess } from './kept-process.ts';
import { LogFile } from './log-file.ts';
import type { Hosted } from './hosted.ts';
import type { ServiceName } from './order.ts';

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

/** What `npm start` shows and logs of a process that hosts all services. */
export const hostName = 'services';

/** All services in one process, which names those that fail. */
export function keptServices(hosted: Hosted, dataDir: string): KeptProcess {
  const { execArgv, env } = serviceProcess(join(dataDir, 'compile-cache'));
  return new KeptProcess({
    name: hostName,
    log: new LogFile(dataDir, hostName),
    spawn() {
      const child = fork(join(root, 'scripts', 'start', 'one-process.ts'), {
        cwd: root,
        // It calls providers, so it sees what the worker sees.
        env: { ...inherited('provider-worker'), ...env },
        execArgv,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        detached: true,
      });
      child.send(hosted);
      return child;
    },
    untilUp: (child) => untilReady(undefined, child),
  });
}

/** @param name undefined: the process names the service itself. */
function untilReady(name: ServiceName | undefined, child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: { kind?: string; message?: string }) => {
      if (message.kind === 'ready') resolve();
      const reason = message.message ?? 'failed without a reason';
      if (message.kind === 'failed') reject(new Mendable(name === undefined ? reason : `${name}: ${reason}`));
    });
  });
}
