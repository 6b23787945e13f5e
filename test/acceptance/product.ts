import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.ts';
import { willmAt } from '../support/willm.ts';
import { freePort } from '@will/testkit';

/** A product as its users see it: addresses, and nothing of its inside. */
export interface Product {
  readonly natsUrl: string;
  readonly httpUrl: string;
  /** Undefined: its gRPC server is not known. */
  readonly grpcAddress: string | undefined;
  /** True: it speaks to the container engine of the run. */
  readonly hasOurEngine: boolean;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The first start of a clone compiles and unpacks. */
const startMs = 600_000;

/** `npm start` with a process for each service, on free ports and a data folder of its own. */
export async function startProduct(containerEngine: string): Promise<Product> {
  const dataDir = await mkdtemp(join(tmpdir(), 'will-acceptance-'));
  const documents = join(dataDir, 'first.yaml');
  await writeFile(documents, 'kind: client\nname: default\n');
  const [httpPort, grpcPort, natsPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const child = spawn(process.execPath, ['scripts/start.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      WILL_PROCESSES: 'separate',
      WILL_DATA_DIR: dataDir,
      WILL_DOCUMENTS: documents,
      WILL_HTTP_PORT: String(httpPort),
      WILL_GRPC_PORT: String(grpcPort),
      WILL_NATS_PORT: String(natsPort),
      WILL_ADMIN_PORT: 'off',
      WILL_OLLAMA_URL: 'off',
      WILL_CONTAINER_ENGINE: containerEngine,
      WILL_HEALTH_SCHEDULE: '*/1 * * * * *',
    },
  });
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  const output = outputOf(child);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await rm(dataDir, { recursive: true, force: true });
  };
  await until(() => isListening(child, httpUrl, output), 'npm start to bring up its services', startMs).catch(
    async (error: unknown) => {
      await stop();
      throw error;
    },
  );
  return {
    natsUrl: `nats://127.0.0.1:${natsPort}`,
    httpUrl,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    hasOurEngine: true,
    stop,
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

/**
 * A product that runs already, found by its data folder. Its documents are replaced for the time of the run, and put back
 * by a rollback at the end.
 */
export async function attachTo(dataDir: string, grpcAddress: string | undefined): Promise<Product> {
  const { natsUrl, httpUrl } = JSON.parse(await readFile(join(dataDir, 'run.json'), 'utf8')) as {
    readonly natsUrl: string;
    readonly httpUrl: string;
  };
  const willm = willmAt(natsUrl);
  const { revision } = JSON.parse((await willm('status', '--json')).out) as { readonly revision: number };
  return {
    natsUrl,
    httpUrl,
    grpcAddress,
    hasOurEngine: false,
    async stop() {
      const { code, err } = await willm('rollback', String(revision), '--force', '--allow-loosening');
      if (code !== 0) throw new Error(`the documents of revision ${revision} could not be put back: ${err}`);
    },
  };
}
