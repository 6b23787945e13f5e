import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { checkNatsUrl } from '../nats-url.ts';
import { runProgram } from '../run-program.ts';
import { Mendable } from '../say.ts';
import { displayPath, type StartSettings } from './settings.ts';

/** How long what a killed run left behind may take to go. */
const leftoverMs = 6_000;

/** Everything that can be wrong before anything is started. @throws {Mendable} the first thing found, and its cure. */
export async function checkPrerequisites(settings: StartSettings): Promise<void> {
  const { adminPort, dataDir, documents, grpcPort, httpPort, natsPort, natsUrl } = settings;
  if (!existsSync(documents))
    throw new Mendable(`WILL_DOCUMENTS ${displayPath(documents)} does not exist: name a file or folder of documents`);
  await checkWritable(dataDir);
  const timeoutMs = await checkLastRun(dataDir);
  if (natsUrl) await checkNatsUrl(natsUrl);
  else await checkFree('WILL_NATS_PORT', natsPort, timeoutMs, ', or set NATS_URL to use a running nats-server');
  await checkFree('WILL_HTTP_PORT', httpPort, timeoutMs);
  if (adminPort !== undefined) await checkFree('WILL_ADMIN_PORT', adminPort, timeoutMs, ', or to off');
  if (grpcPort > 0) await checkFree('WILL_GRPC_PORT', grpcPort, timeoutMs);
}

async function checkWritable(dataDir: string): Promise<void> {
  try {
    await makeFolder(join(dataDir, 'logs'));
    const probe = join(dataDir, `.probe-${process.pid}`);
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Mendable(
      `WILL_DATA_DIR ${displayPath(dataDir)} cannot be written (${code}): make it writable, or set another folder`,
    );
  }
}

/** One level after the other: Node's own `recursive` never ends where a parent refuses by ENOENT (below /proc). */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return;
  await makeFolder(dirname(path));
  await mkdir(path);
}

const lockOf = (dataDir: string): string => join(dataDir, 'start.pid');

/** Two runs on one data folder would overwrite each other. Returns how long to wait for a killed run's leftovers. */
async function checkLastRun(dataDir: string): Promise<number> {
  const pid = Number(await readFile(lockOf(dataDir), 'utf8').catch(() => ''));
  if (!pid) return 0;
  // The number may belong to something else by now.
  const { output } = await runProgram('ps', ['-o', 'command=', '-p', String(pid)]);
  if (pid !== process.pid && output.includes('scripts/start.ts'))
    throw new Mendable(
      `WILL_DATA_DIR ${displayPath(dataDir)} is in use by process ${pid}: stop that one, or set another folder`,
    );
  return leftoverMs;
}

/** Holds the data folder for this process; returns how to let it go. */
export async function holdDataDir(dataDir: string): Promise<() => Promise<void>> {
  await writeFile(lockOf(dataDir), String(process.pid));
  return () => rm(lockOf(dataDir), { force: true });
}

async function checkFree(setting: string, port: number, timeoutMs: number, otherCure = ''): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (true) {
    const failure = await bindFailure(port);
    if (!failure) return;
    if (failure !== 'EADDRINUSE') throw new Mendable(`${setting} ${port} cannot be used (${failure}): set another`);
    if (Date.now() >= giveUpAt)
      throw new Mendable(
        `port ${port} is taken: stop what listens there, or set ${setting} to a free port${otherCure}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function bindFailure(port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
