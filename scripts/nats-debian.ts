import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';
import { say } from './say.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const suites = ['forky', 'sid'];
const limitMs = 120_000;

/**
 * Takes nats-server out of the package of a newer Debian, without root and without touching the machine's own package
 * lists: apt gets lists, state and cache of its own, the machine's mirror, and Debian's signing keys.
 */
export async function fetchFromDebian(path: string, folder: string): Promise<void> {
  const mirror = debianMirror();
  if (!mirror || !existsSync(keyring)) throw new Error('this machine is no Debian');
  for (const suite of suites) {
    const failure = await fetchFromSuite(mirror, suite, join(folder, 'apt'), path);
    if (!failure) return;
    say(`  Debian ${suite}: ${failure}`);
  }
  throw new Error(`none of ${suites.join(', ')} gave one`);
}

/** The mirror that the machine uses itself: first the newer notation, then the one-line one. */
function debianMirror(): string | undefined {
  const folder = '/etc/apt/sources.list.d';
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const texts = ['/etc/apt/sources.list', ...files]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
  const addresses = texts.flatMap((text) => [
    ...[...text.matchAll(/^URIs:\s*(\S+)/gm)].map((match) => match[1]),
    ...[...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/gm)].map((match) => match[1]),
  ]);
  return addresses.find((address) => address && /debian/.test(address) && !/security/.test(address));
}

/** Returns why it failed; undefined: the program is at `path`. */
async function fetchFromSuite(mirror: string, suite: string, apt: string, path: string): Promise<string | undefined> {
  await rm(apt, { recursive: true, force: true });
  for (const part of ['lists/partial', 'cache/archives/partial', 'etc/parts', 'etc/preferences', 'out'])
    await mkdir(join(apt, part), { recursive: true });
  await writeFile(join(apt, 'status'), '');
  await writeFile(join(apt, 'etc/sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const options = aptOptions(apt);
  const steps: readonly (readonly [string, ...string[]])[] = [
    ['apt-get', ...options, 'update'],
    ['apt-get', ...options, 'download', 'nats-server'],
  ];
  for (const [program, ...args] of steps) {
    const { code, output } = await runProgram(program, args, { cwd: join(apt, 'out'), limitMs });
    if (code !== 0) return output.trim().split('\n').at(-1) || `${program} could not be run`;
  }
  const archive = readdirSync(join(apt, 'out')).find((name) => name.endsWith('.deb'));
  if (!archive) return 'it has no such package';
  const unpacked = await runProgram('dpkg-deb', ['-x', join(apt, 'out', archive), join(apt, 'tree')]);
  if (unpacked.code !== 0) return unpacked.output.trim() || 'dpkg-deb could not be run';
  await rename(join(apt, 'tree/usr/sbin/nats-server'), path).catch(() =>
    rename(join(apt, 'tree/usr/bin/nats-server'), path),
  );
  return undefined;
}

function aptOptions(apt: string): string[] {
  const settings: Readonly<Record<string, string>> = {
    'Dir::State': apt,
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'Dir::Etc::sourcelist': join(apt, 'etc/sources.list'),
    'Dir::Etc::sourceparts': join(apt, 'etc/parts'),
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': join(apt, 'etc/preferences'),
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '15',
    'APT::Sandbox::User': 'root',
  };
  return ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}
