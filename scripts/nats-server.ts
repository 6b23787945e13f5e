import { existsSync } from 'node:fs';
import { copyFile, chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { download } from './download.ts';
import { fetchFromDebian } from './nats-debian.ts';
import { isOlder, oldestNats } from './nats-url.ts';
import { cacheDir } from './paths.ts';
import { runProgram } from './run-program.ts';
import { Mendable, messageOf, say } from './say.ts';

const programName = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
const cached = join(cacheDir, 'nats', programName);

/** The release that is fetched, and the SHA-256 of its archives as the release publishes them. */
const release = '2.15.0';
const archives: Readonly<Record<string, string>> = {
  'linux-amd64': '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92',
  'linux-arm64': 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112',
  'darwin-amd64': '5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95',
  'darwin-arm64': 'e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8',
};

/** A place to get one from: puts a nats-server at `path`, or says why not. */
type Source = readonly [name: string, fetch: (path: string, folder: string) => Promise<void>];

const sources: readonly Source[] = [
  ['the official release', fromArchive],
  ['the package of a newer Debian', fetchFromDebian],
];

/**
 * The path of a nats-server that is new enough: on PATH, from the cache, or fetched once.
 * @throws {Mendable} when none can be had; names every place that was tried.
 */
export async function bringNatsServer(): Promise<string> {
  for (const path of [...onPath(), cached]) {
    if (await isUsable(path)) return path;
  }
  say('no nats-server here yet: fetching one (about 7 MB, once)');
  return fetchAny();
}

const onPath = (): string[] =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, programName))
    .filter((path) => existsSync(path));

async function fetchAny(): Promise<string> {
  const failures: string[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'will-fetch-'));
  try {
    for (const [name, fetchFrom] of sources) {
      const draft = join(folder, `${programName}.draft`);
      try {
        await fetchFrom(draft, folder);
        return await keep(draft, name);
      } catch (error) {
        say(`  not from ${name}: ${messageOf(error)}`);
        failures.push(name);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  throw new Mendable(
    `no nats-server ${oldestNats} or newer could be had from ${failures.join(', ')}: install one (brew install nats-server, or nats.io) so that it is on PATH, or set NATS_URL`,
  );
}

async function keep(draft: string, source: string): Promise<string> {
  await chmod(draft, 0o755);
  const version = await versionOf(draft);
  if (!version || isOlder(version, oldestNats)) throw new Error(`its version is ${version ?? 'unknown'}`);
  await mkdir(dirname(cached), { recursive: true });
  // Copied beside its place and renamed: another run may be executing the old one.
  await copyFile(draft, `${cached}.${process.pid}`);
  await rename(`${cached}.${process.pid}`, cached);
  say(`nats-server ${version} from ${source}`);
  return cached;
}

async function isUsable(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const version = await versionOf(path);
  if (version && !isOlder(version, oldestNats)) return true;
  say(`passing over ${path}: version ${version ?? 'unknown'}, ${oldestNats} or newer is needed`);
  return false;
}

async function versionOf(path: string): Promise<string | undefined> {
  const { output } = await runProgram(path, ['--version'], { limitMs: 5_000 });
  return /v(\d+\.\d+\.\d+[^\s]*)/.exec(output)?.[1];
}

async function fromArchive(path: string, folder: string): Promise<void> {
  const machine = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const sha256 = archives[machine];
  if (!sha256) throw new Error(`no archive is pinned for ${machine}`);
  const name = `nats-server-v${release}-${machine}`;
  const archive = join(folder, `${name}.tar.gz`);
  await download(
    `https://github.com/nats-io/nats-server/releases/download/v${release}/${name}.tar.gz`,
    archive,
    sha256,
  );
  const unpacked = await runProgram('tar', ['-xzf', archive, '-C', folder]);
  if (unpacked.code !== 0) throw new Error(`tar could not unpack it: ${unpacked.output.trim()}`);
  await rename(join(folder, name, programName), path);
}
