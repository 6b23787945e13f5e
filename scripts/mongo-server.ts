import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { MongoBinary } from 'mongodb-memory-server-core';
import { wrongFiles } from './download.ts';
import { cacheDir, root } from './paths.ts';
import { runProgram } from './run-program.ts';
import { messageOf, say } from './say.ts';

/** How the tests get a server that speaks MongoDB's protocol. They read it from `serverFile`. */
type Server =
  | { readonly kind: 'given'; readonly uri: string }
  | { readonly kind: 'mongod'; readonly path: string }
  | { readonly kind: 'java'; readonly java: string; readonly classPath: string; readonly source: string };

const folder = join(cacheDir, 'mongodb');
const serverFile = join(folder, 'server.json');
const oldestMongod = '7.0.0';
/** The release that is downloaded where no mongod is here. */
const release = '8.2.3';

type Source = readonly [name: string, find: () => Promise<Server>];
const sources: readonly Source[] = [
  ['WILL_TEST_MONGODB_URI', given],
  ['mongod on PATH', fromPath],
  ['mongodb-memory-server', fromDownload],
  ['mongo-java-server from Maven Central', fromMaven],
];

/**
 * Finds or fetches a server for the tests of the MongoDB stores and notes how to start it. Where none can be had, the
 * tests that need one fail and say so: nothing about MongoDB is proved then.
 */
export async function bringMongoServer(): Promise<void> {
  if (process.env['WILL_TEST_MONGODB_URI'] === undefined && (await isKnown())) return;
  for (const [name, find] of sources) {
    try {
      const server = await find();
      await keep(server);
      say(`MongoDB for tests: ${name}`);
      return;
    } catch (error) {
      say(`  no MongoDB from ${name}: ${messageOf(error).split('\n')[0] ?? ''}`);
    }
  }
  say('no server that speaks the protocol of MongoDB could be had: the tests of the MongoDB stores will fail');
  say('  set WILL_TEST_MONGODB_URI, or install mongod, or Maven and a JDK of 17 or newer');
}

/** A mongod that was given or found is looked for anew; what was fetched stays. */
async function isKnown(): Promise<boolean> {
  if (!existsSync(serverFile)) return false;
  const server = JSON.parse(await readFile(serverFile, 'utf8')) as Server;
  if (server.kind === 'mongod') return existsSync(server.path);
  return server.kind === 'java' && existsSync(server.classPath.replace(/\*$/, '')) && onPath('mongod') === undefined;
}

async function keep(server: Server): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(`${serverFile}.${process.pid}`, JSON.stringify(server));
  await rename(`${serverFile}.${process.pid}`, serverFile);
}

async function given(): Promise<Server> {
  const uri = process.env['WILL_TEST_MONGODB_URI'];
  if (!uri) throw new Error('it is not set');
  return { kind: 'given', uri };
}

async function fromPath(): Promise<Server> {
  const path = onPath('mongod');
  if (!path) throw new Error('there is none');
  const { output } = await runProgram(path, ['--version'], { limitMs: 10_000 });
  const version = /v(\d+)\.(\d+)\.(\d+)/.exec(output);
  if (!version || Number(version[1]) < Number(oldestMongod.split('.')[0]))
    throw new Error(`${path} is ${version?.[0] ?? 'of an unknown version'}, ${oldestMongod} or newer is needed`);
  return { kind: 'mongod', path };
}

async function fromDownload(): Promise<Server> {
  const path = await MongoBinary.getPath({ version: release, downloadDir: join(folder, 'binaries'), checkMD5: true });
  return { kind: 'mongod', path };
}

async function fromMaven(): Promise<Server> {
  const java = await findJava();
  const jars = join(folder, 'jars');
  const pom = join(root, 'scripts/mongodb/pom.xml');
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
  const { code, output } = await runProgram('mvn', ['-q', '-B', '-f', pom, ...goal], { limitMs: 180_000 });
  if (code !== 0)
    throw new Error(`Maven could not fetch it: ${output.trim().split('\n')[0] || 'mvn could not be run'}`);
  await checkJars(jars);
  return { kind: 'java', java, classPath: join(jars, '*'), source: join(root, 'scripts/mongodb/JavaServer.java') };
}

/** What Maven brought is what this release was made with, and nothing beside it, or none of it stays. */
async function checkJars(jars: string): Promise<void> {
  const pinned = await readFile(join(root, 'scripts/mongodb/jars.sha256'), 'utf8');
  const wrong = await wrongFiles(jars, pinned);
  if (wrong.length === 0) return;
  await rm(jars, { recursive: true, force: true });
  throw new Error(`these are not the files that are pinned in scripts/mongodb/jars.sha256: ${wrong.join(', ')}`);
}

/** A Java that compiles what it is given: a JDK. */
async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = home === undefined ? onPath('java') : join(home, 'bin', 'java');
  if (!java) throw new Error('there is no Java');
  const { output } = await runProgram(java, ['--list-modules'], { limitMs: 30_000 });
  if (!/^jdk\.compiler@(1[7-9]|[2-9]\d)/m.test(output)) throw new Error(`${java} is no JDK of 17 or newer`);
  return java;
}

const onPath = (program: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((place) => place !== '')
    .map((place) => join(place, process.platform === 'win32' ? `${program}.exe` : program))
    .find((path) => existsSync(path));
