import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BusTlsFiles } from '@will/bus';
import { freePort, startContainerEngine } from '@will/testkit';
import { until } from '../support/until.ts';
import { type Names, namesEndingIn } from './names.ts';

/** A product as its users see it: addresses, and nothing of its inside. */
export interface Product {
  readonly bus: BusAddress;
  /** `http://…` or `https://…`, without a path. */
  readonly httpUrl: string;
  /** `grpc://…` or `grpcs://…`; undefined: its gRPC server is not known. */
  readonly grpcUrl: string | undefined;
  /** What the documents of this run are called in it. */
  readonly names: Names;
  readonly upstream: UpstreamPlace;
  /** True: the run started it, on this machine and beside a container engine of the run. */
  readonly isOurs: boolean;
  /** True: it runs on this machine, and reads files of the run. */
  readonly isHere: boolean;
  /** Leaves nothing of the run behind. @throws something is left, and the message says what */
  leave(): Promise<void>;
}

/** Where a product's bus is, and who an operator is on it. */
export interface BusAddress {
  readonly url: string;
  readonly seedFile?: string;
  readonly tls?: BusTlsFiles;
}

/** Where the counting upstream listens, and where the product finds it. */
export interface UpstreamPlace {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Default: where it listens. */
  readonly url?: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The first start of a clone compiles and unpacks. */
const startMs = 600_000;

/** `npm start` with a process for each service, on free ports and a data folder of its own. */
export async function startProduct(): Promise<Product> {
  const engine = await startContainerEngine({ images: ['acceptance/server'] });
  const dataDir = await mkdtemp(join(tmpdir(), 'will-acceptance-'));
  const documents = join(dataDir, 'first.yaml');
  await writeFile(documents, 'kind: client\nname: default\n');
  const [httpPort, grpcPort, natsPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const child = spawn(process.execPath, ['scripts/start.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // A bus and a store of the caller's are no place to try things.
      NATS_URL: undefined,
      WILL_MONGODB_URI: undefined,
      WILL_KEYS: undefined,
      WILL_PROCESSES: 'separate',
      WILL_DATA_DIR: dataDir,
      WILL_DOCUMENTS: documents,
      WILL_HTTP_PORT: String(httpPort),
      WILL_GRPC_PORT: String(grpcPort),
      WILL_NATS_PORT: String(natsPort),
      WILL_ADMIN_PORT: 'off',
      WILL_OLLAMA_URL: 'off',
      WILL_CONTAINER_ENGINE: engine.address,
      WILL_HEALTH_SCHEDULE: '*/1 * * * * *',
    },
  });
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  const output = outputOf(child);
  const leave = async (): Promise<void> => {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await engine.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  await until(() => isListening(child, httpUrl, output), 'npm start to bring up its services', startMs).catch(
    async (error: unknown) => {
      await leave();
      throw error;
    },
  );
  return {
    bus: { url: `nats://127.0.0.1:${natsPort}` },
    httpUrl,
    grpcUrl: `grpc://127.0.0.1:${grpcPort}`,
    names: namesEndingIn(''),
    upstream: { host: '127.0.0.1', port: 0 },
    isOurs: true,
    isHere: true,
    leave,
  };
}

/** The gateway is the last to start. Without documents no task can be answered yet, and it says so. */
async function isListening(child: ChildProcess, httpUrl: string, output: () => string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}:\n${output()}`);
  return fetch(`${httpUrl}/healthz`).then(
    () => true,
    () => false,
  );
}

function outputOf(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-20_000);
    });
  return () => text;
}
