import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startMongoServer } from '@will/testkit';
import { freePort } from '@will/testkit';

/** A server while it runs. */
export interface RunningServer {
  readonly uri: string;
  /** By SIGKILL, and starts it again on what it had stored. Undefined: it stores nothing. */
  readonly killAndRestart: (() => Promise<void>) | undefined;
  stop(): Promise<void>;
}

/** A server that speaks MongoDB's protocol, as it can be had from a package registry. */
export interface ServerKind {
  readonly name: string;
  readonly version: string;
  /** Fetches it once. @throws {Error} why it cannot be had here */
  bring(): Promise<void>;
  /** @param folder where it stores; empty at first */
  start(folder: string): Promise<RunningServer>;
}

const folderOf = (name: string): string => fileURLToPath(new URL(`../../.cache/stores/${name}`, import.meta.url));
const startLimitMs = 60_000;

const secantus = { version: '0.7.0b3', folder: folderOf('secantusdb') };
const ferret = { version: 'v1.24.2', module: 'github.com/FerretDB/FerretDB', folder: folderOf('ferretdb') };

export const serverKinds: readonly ServerKind[] = [
  {
    name: 'SecantusDB',
    version: secantus.version,
    async bring() {
      const { folder, version } = secantus;
      if (existsSync(join(folder, 'bin/secantusd-py'))) return;
      await run('python3', ['-m', 'venv', folder]);
      await run(join(folder, 'bin/pip'), ['install', '--quiet', `secantusdb==${version}`]);
    },
    start: (folder) =>
      startOn(join(secantus.folder, 'bin/secantusd-py'), (port) => [
        `--port=${port}`,
        `--storage-path=${folder}`,
        '--sync-on-commit',
        '--log-level=WARNING',
      ]),
  },
  {
    name: 'FerretDB on SQLite',
    version: ferret.version,
    bring: buildFerret,
    start: (folder) =>
      startOn(join(ferret.folder, 'ferretdb'), (port) => [
        '--handler=sqlite',
        `--sqlite-url=file:${folder}/`,
        `--state-dir=${folder}`,
        `--listen-addr=127.0.0.1:${port}`,
        '--debug-addr=-',
        '--telemetry=disable',
        '--log-level=warn',
      ]),
  },
  {
    name: 'mongo-java-server in memory',
    version: 'as pinned',
    bring: async () => {},
    async start() {
      const { uri, stop } = await startMongoServer();
      return { uri, stop, killAndRestart: undefined };
    },
  },
];

/** Its module says its version in a file that a release makes and the module proxy does not carry. */
async function buildFerret(): Promise<void> {
  const { folder, module, version } = ferret;
  const program = join(folder, 'ferretdb');
  if (existsSync(program)) return;
  const downloaded = await run('go', ['mod', 'download', '-json', `${module}@${version}`]);
  const { Dir: from } = JSON.parse(downloaded.slice(downloaded.indexOf('{'))) as { Dir: string };
  const source = join(folder, 'source');
  await rm(source, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(from, source, { recursive: true });
  await run('chmod', ['-R', 'u+w', source]);
  await writeFile(join(source, 'build/version/version.txt'), `${version}\n`);
  const env = { ...process.env, CGO_ENABLED: '0' };
  await run('go', ['build', '-o', `${program}.new`, './cmd/ferretdb'], { cwd: source, env });
  await rename(`${program}.new`, program);
}

/** What a program wrote. @throws {Error} it failed, or could not be run */
async function run(program: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const { stdout } = await promisify(execFile)(program, args, { ...options, maxBuffer: 1e8 });
  return stdout;
}

async function startOn(program: string, argsFor: (port: number) => readonly string[]): Promise<RunningServer> {
  const port = await freePort();
  const args = argsFor(port);
  let child = await startOnce(program, args, port);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    async killAndRestart() {
      await end('SIGKILL');
      child = await startOnce(program, args, port);
    },
    stop: () => end('SIGTERM'),
  };
}

async function startOnce(program: string, args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const untilMs = performance.now() + startLimitMs;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with code ${child.exitCode}`);
    if (performance.now() > untilMs) throw new Error(`${program} does not listen after ${startLimitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return child;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
