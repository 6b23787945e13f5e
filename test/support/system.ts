import { mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, connectBus, type ProcessesView, watchProcesses } from '@will/bus';
import type { BusFolder } from '@will/bus-server';
import { connectClient, type TaskClient } from '@will/client';
import { newId } from '@will/contracts';
import { freePort, startNatsServer, type NatsServer, type NatsServerOptions } from '@will/testkit';
import { callersDocument } from './documents.ts';
import { type ServiceName, type ServiceProcess, startService, startTogether } from './process.ts';
import { eventTimeoutMs } from './event-timeout-ms.ts';

export interface SystemOptions {
  /** File name → text, applied at the start. */
  readonly documents: Readonly<Record<string, string>>;
  /** Further environment of every service. */
  readonly env?: Readonly<Record<string, string>>;
  /** Addresses of a bus that runs already, and is stopped by who started it. Default: a nats-server of its own. */
  readonly natsUrl?: string;
  /** A bus with users and TLS: a folder that `prepareBusFolder` made. */
  readonly secure?: BusFolder;
  /** Clients without rules that have a document beside `test`, by name. */
  readonly callers?: readonly string[];
  /** How many of each; default one of each but the gateway. */
  readonly counts?: Partial<Record<ServiceName, number>>;
}

/** The whole product on a nats-server of its own: real processes, real bus, real stores. */
export interface System {
  readonly nats: NatsServer;
  readonly bus: Bus;
  readonly client: TaskClient;
  readonly dataDir: string;
  readonly httpUrl: string;
  readonly grpcAddress: string;
  /** Where the console and its API answer, where one runs. */
  readonly adminUrl: string;
  readonly processes: ProcessesView;
  /** Processes of a service, oldest first. */
  of(service: ServiceName): readonly ServiceProcess[];
  /** Starts one more process of a service, `through` a command that runs it in its own place. */
  add(
    service: ServiceName,
    env?: Readonly<Record<string, string>>,
    through?: readonly string[],
  ): Promise<ServiceProcess>;
  /** Resolves once some live worker serves every one of these models. */
  untilServed(...models: string[]): Promise<void>;
  /** Resolves once a condition on the live processes holds. */
  until(holds: (view: ProcessesView) => boolean, what: string): Promise<void>;
  stop(): Promise<void>;
}

/** True: services are one process, as with `npm start`; further ones of a kind join as processes of their own. */
const areTogether = process.env['WILL_TEST_FORM'] === 'one';

const order: readonly ServiceName[] = [
  'registry',
  'policy',
  'telemetry',
  'provider-worker',
  'router',
  'tasks',
  'gateway',
  'console',
];
const defaultCounts: Record<ServiceName, number> = {
  registry: 1,
  policy: 1,
  telemetry: 1,
  'provider-worker': 1,
  router: 1,
  tasks: 0,
  gateway: 0,
  console: 0,
};

export async function startSystem(options: SystemOptions): Promise<System> {
  const { secure } = options;
  const nats =
    options.natsUrl === undefined
      ? await startNatsServer(secure && (await securely(secure)))
      : foreignServer(options.natsUrl);
  const dataDir = await mkdtemp(join(tmpdir(), 'will-system-'));
  const documents = await writeDocuments(dataDir, {
    ...options.documents,
    'callers.yaml': callersDocument(...ownCaller(options.documents), ...(options.callers ?? [])),
  });
  const httpPort = await freePort();
  const grpcPort = await freePort();
  const adminPort = await freePort();
  const env = {
    NATS_URL: nats.url,
    WILL_DATA_DIR: dataDir,
    WILL_DOCUMENTS: documents,
    WILL_HTTP_PORT: String(httpPort),
    WILL_GRPC_PORT: String(grpcPort),
    WILL_ADMIN_PORT: String(adminPort),
    WILL_GGUF_THREADS: '1',
    WILL_DRAIN_MS: '10000',
    ...options.env,
  };
  const counts = { ...defaultCounts, ...options.counts };
  const running: ServiceProcess[] = [];
  const together = areTogether && !secure ? order.filter((service) => counts[service] > 0) : [];
  const addTogether = async (more: Partial<Record<ServiceName, object>> = {}): Promise<void> =>
    void running.push(...(await startTogether(together, (name) => ({ ...env, ...more[name] }))));
  const add: System['add'] = async (service, more = {}, through = []) => {
    if (together.includes(service) && !running.some(({ isRunning }) => isRunning)) {
      await addTogether({ [service]: more });
      return running.findLast(({ name }) => name === service) as ServiceProcess;
    }
    const environment = { ...env, ...(secure && environmentAs(service, secure)), ...more };
    const started = await startService(service, environment, through);
    running.push(started);
    return started;
  };
  const bus = await connectBus({
    servers: nats.url,
    processId: `test-${newId()}`,
    inboxScope: 'test',
    seedFile: secure?.seedOf('operator'),
    tls: secure && tlsOf('operator', secure),
  });
  try {
    if (together.length > 0) await addTogether();
    const left = (service: ServiceName): number => counts[service] - (together.includes(service) ? 1 : 0);
    // The registry's first revision is what all others wait for.
    for (let n = 0; n < left('registry'); n += 1) await add('registry');
    await Promise.all(order.slice(1).flatMap((service) => Array.from({ length: left(service) }, () => add(service))));
  } catch (error) {
    await Promise.all(running.map((service) => service.kill()));
    await bus.close();
    await nats.stop();
    throw error;
  }
  const processes = await watchProcesses(bus);
  const client = await connectClient({ bus, client: 'test' });
  const until: System['until'] = (holds, what) => untilHolds(processes, holds, what, running);
  return {
    nats,
    bus,
    client,
    dataDir,
    httpUrl: `http://127.0.0.1:${httpPort}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    processes,
    of: (service) => running.filter(({ name }) => name === service),
    add,
    until,
    untilServed: (...models) =>
      until((view) => models.every((model) => isServed(view, model)), `a worker that serves ${models.join(', ')}`),
    async stop() {
      await client.close();
      await processes.stop();
      for (const service of [...order].reverse()) {
        await Promise.all(running.filter(({ name }) => name === service).map((started) => started.stop()));
      }
      await bus.close();
      await nats.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function untilHolds(
  processes: ProcessesView,
  holds: (view: ProcessesView) => boolean,
  what: string,
  running: readonly ServiceProcess[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (!holds(processes)) return;
      clearTimeout(timer);
      stopListening();
      resolve();
    };
    const stopListening = processes.onChange(check);
    const timer = setTimeout(() => {
      stopListening();
      const logs = running.map((service) => `${service.name}: ${service.log()}`).join('\n');
      reject(new Error(`waited ${eventTimeoutMs} ms for: ${what}\n${logs}`));
    }, eventTimeoutMs);
    check();
  });
}

export const isServed = (view: ProcessesView, model: string): boolean =>
  [...view.processes.values()].some(({ models }) =>
    models.some((served) => served.model === model && served.reason === ''),
  );

/** Files of TLS of a user. */
export const tlsOf = (user: string, bus: BusFolder) => ({ ca: bus.ca, cert: bus.certOf(user), key: bus.keyOf(user) });

/** What a program is told to be let in as a user. */
export function environmentAs(user: string, bus: BusFolder): Record<string, string> {
  const { ca, cert, key } = tlsOf(user, bus);
  return {
    NATS_SEED_FILE: bus.seedOf(user),
    WILL_NATS_TLS_CA: ca,
    WILL_NATS_TLS_CERT: cert,
    WILL_NATS_TLS_KEY: key,
  };
}

const securely = async (bus: BusFolder): Promise<NatsServerOptions> => ({
  confFile: bus.conf,
  seed: await readFile(bus.seedOf('operator'), 'utf8'),
  tls: tlsOf('operator', bus),
});

async function writeDocuments(dataDir: string, documents: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(dataDir, 'documents');
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(documents)) await writeFile(join(folder, name), text);
  return folder;
}

/** A bus that somebody else started: it is used, and left alone. */
function foreignServer(url: string): NatsServer {
  const notHere = (): never => {
    throw new Error('this bus belongs to the one that started it');
  };
  return {
    url,
    port: Number(/:(\d+)/.exec(url.replace('nats://', ''))?.[1]),
    pid: process.pid,
    stop: async () => {},
    kill: notHere,
    restart: notHere,
    suspend: notHere,
    resume: notHere,
  };
}

/** The client `test`, which `System.client` is, unless the documents describe it. */
const ownCaller = (documents: SystemOptions['documents']): readonly string[] =>
  Object.values(documents).some((text) => /\bname: test$/m.test(text)) ? [] : ['test'];
