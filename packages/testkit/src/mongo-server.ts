import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';

/** A server that speaks MongoDB's protocol, of a test's own or one that was given. */
export interface MongoServer {
  /** Without a database; take one of a random name and drop it. */
  readonly uri: string;
  /** What it is, for people. */
  readonly name: string;
  /** Lets it stand still, as on a machine that hangs; returns how it goes on. Undefined: it is not ours to stop. */
  readonly suspend: (() => () => void) | undefined;
  stop(): Promise<void>;
}

type Server =
  | { readonly kind: 'given'; readonly uri: string }
  | { readonly kind: 'mongod'; readonly path: string }
  | { readonly kind: 'java'; readonly java: string; readonly classPath: string; readonly source: string };

const serverFile = fileURLToPath(new URL('../../../.cache/mongodb/server.json', import.meta.url));
const startLimitMs = 60_000;

/** @throws where none can be had: without one, nothing about MongoDB is proved, and that must not look green. */
export async function startMongoServer(): Promise<MongoServer> {
  const given = process.env['WILL_TEST_MONGODB_URI'];
  const server: Server = given === undefined ? known() : { kind: 'given', uri: given };
  if (server.kind === 'given')
    return { uri: server.uri, name: 'the one that was given', suspend: undefined, stop: async () => {} };
  return server.kind === 'mongod' ? startMongod(server.path) : startJava(server);
}

function known(): Server {
  if (!existsSync(serverFile))
    throw new Error(
      'NOT PROVED: there is no server that speaks the protocol of MongoDB. `npm test` brings one, or tells why it cannot; or set WILL_TEST_MONGODB_URI',
    );
  return JSON.parse(readFileSync(serverFile, 'utf8')) as Server;
}

/** A replica set of one, since only such a one takes majority writes and retries as in a deployment. */
async function startMongod(path: string): Promise<MongoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'will-mongod-'));
  const port = await freePort();
  const args = ['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1', '--replSet', 'rs'];
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await untilLine(child, /Waiting for connections/);
  const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  await initiate(uri, port);
  return {
    uri,
    name: path,
    suspend: suspending(child),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function initiate(uri: string, port: number): Promise<void> {
  const { MongoClient } = await import('mongodb');
  const client = await MongoClient.connect(uri);
  try {
    const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
    await client.db('admin').command({ replSetInitiate: { _id: 'rs', members } });
    const isPrimary = async (): Promise<boolean> =>
      (await client.db('admin').command({ hello: 1 }))['isWritablePrimary'] === true;
    while (!(await isPrimary())) await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await client.close();
  }
}

async function startJava({ java, classPath, source }: Extract<Server, { kind: 'java' }>): Promise<MongoServer> {
  // One collector thread and little compiling: the machine is busy with the tests themselves.
  const flags = ['-Xmx1g', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath];
  const child = spawn(java, [...flags, source], { stdio: ['pipe', 'pipe', 'ignore'] });
  const uri = await untilLine(child, /^mongodb:\/\/\S+/);
  return {
    uri,
    name: 'mongo-java-server in memory',
    suspend: suspending(child),
    async stop() {
      child.stdin?.end();
      await once(child, 'exit');
    },
  };
}

const suspending = (child: ChildProcess) => (): (() => void) => {
  child.kill('SIGSTOP');
  return () => void child.kill('SIGCONT');
};

/** The match in the first line that has one. */
async function untilLine(child: ChildProcess, wanted: RegExp): Promise<string> {
  if (!child.stdout) throw new Error('the output of the server is needed');
  const timer = setTimeout(() => child.kill('SIGKILL'), startLimitMs);
  child.once('error', () => child.stdout?.destroy());
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const match = wanted.exec(line);
      if (match) return match[0];
    }
    throw new Error(`${child.spawnfile} ended, or said nothing for ${startLimitMs} ms`);
  } finally {
    clearTimeout(timer);
    // Nobody reads on; a full pipe would stop it.
    child.stdout.resume();
  }
}
