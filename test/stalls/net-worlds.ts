import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { addCaller, prepareBusFolder, reloadServer } from '@will/bus-server';
import { subjects, wire } from '@will/contracts';
import { type ReplayingUpstream, startNatsCluster, startNatsServer, startReplayingUpstream } from '@will/testkit';
import { startTcpProxy } from '../faults/tcp-proxy.ts';
import { startSystem, type System, type SystemOptions } from '../support/system.ts';
import { type FaultedWorld, pause } from './faulted-calls.ts';
import { threeModels } from './stall-world.ts';

const defaultAnswerMs = 1_000;
const timeoutMs = 20_000;

/** Worlds of `npm run net-faults` by name, each with what is done in it. */
export const netWorlds: Readonly<Record<string, () => Promise<FaultedWorld>>> = {
  'nats-server restarted': restarted,
  'one of three nats-servers killed': oneOfThreeKilled,
  'users reloaded': usersReloaded,
  'worker cut off as a slow consumer': slowConsumer,
  'connection of a worker reset': connectionReset,
};

/** A nats-server that is stopped and started again. */
async function restarted(): Promise<FaultedWorld> {
  const world = await startWorld({});
  return { ...world, fault: () => world.system.nats.restart() };
}

/** A cluster of which one server is killed, and comes back a moment later. */
async function oneOfThreeKilled(): Promise<FaultedWorld> {
  const cluster = await startNatsCluster(3);
  const world = await startWorld({ natsUrl: cluster.url });
  return {
    ...world,
    async fault() {
      const index = Math.floor(Math.random() * 3);
      await cluster.kill(index);
      await pause(Math.random() * 1_000);
      await cluster.restart(index);
    },
    async stop() {
      await world.stop();
      await cluster.stop();
    },
  };
}

/** A bus with users whose file is read again: with other permissions of the workers, and with one more client. */
async function usersReloaded(): Promise<FaultedWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'will-bus-'));
  const secure = await prepareBusFolder(folder, { nowMs: Date.now() });
  const world = await startWorld({ secure, counts: { 'provider-worker': 2, gateway: 1 } });
  const usersFile = join(folder, 'users.conf');
  let reloads = 0;
  const reload = async (): Promise<void> => {
    reloads += 1;
    const users = await readFile(usersFile, 'utf8');
    const allowed = '    # provider-worker\n';
    const at = users.indexOf('publish: { allow: [', users.indexOf(allowed)) + 'publish: { allow: ['.length;
    if (at < allowed.length) throw new Error('the file of users holds no provider-worker');
    await writeFile(usersFile, `${users.slice(0, at)}\n          "will.v1.unused.${reloads}"${users.slice(at)}`);
    if (!(await reloadServer(folder))) throw new Error('no nats-server runs that could read its users again');
  };
  return {
    ...world,
    ask: (input) => overHttp(world.system, input),
    async fault() {
      await addCaller(folder, `caller-${reloads}`, Date.now());
      await reload();
      await pause(500);
    },
    async stop() {
      await world.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Much less than ours may wait for a reader, so that it need not be filled with 16 MB. */
const slowConf = 'max_payload: 1MB\nmax_pending: 2MB\nwrite_deadline: "2s"\n';

/** A worker that reads nothing, until the server ends its connection for what waits there. */
async function slowConsumer(): Promise<FaultedWorld> {
  const { world, proxy, behindProxy } = await startBehindProxy(slowConf);
  // A command for no call of the worker, with 512 KiB of a field that it does not know.
  const bytes = 512 * 1_024;
  const known = toBinary(wire.CallControlSchema, create(wire.CallControlSchema, { attemptId: 'nobody' }));
  const rejections = Buffer.concat([known, Buffer.from([0xfa, 0x7f, 0x80, 0x80, 0x20]), Buffer.alloc(bytes)]);
  return {
    ...world,
    async fault() {
      let isCutOff = false;
      const ends = proxy.untilServerEnds().then(() => {
        isCutOff = true;
      });
      proxy.setWeather('unread');
      while (!isCutOff) {
        world.system.bus.publish(subjects.control(behindProxy), rejections);
        await pause(5);
      }
      await ends;
      proxy.setWeather('fine');
      await pause(500);
    },
  };
}

const workersOf = ({ processes }: System): readonly string[] =>
  [...processes.processes.values()]
    .filter(({ service }) => service === 'provider-worker')
    .map(({ processId }) => processId);

/** A worker whose connection is reset. */
async function connectionReset(): Promise<FaultedWorld> {
  const { world, proxy } = await startBehindProxy('');
  return {
    ...world,
    async fault() {
      proxy.setWeather('cut');
      await pause(Math.random() * 200);
      proxy.setWeather('fine');
      await pause(500);
    },
  };
}

/** One worker has its connection through a proxy, and one has not. */
async function startBehindProxy(conf: string) {
  const nats = await startNatsServer({ conf });
  const proxy = await startTcpProxy(nats.port);
  let behindProxy = '';
  const bare = await startWorld(
    { natsUrl: nats.url, counts: { 'provider-worker': 1 } },
    {
      addWorkers: async (system) => {
        await untilAllServed(system);
        const known = new Set(workersOf(system));
        const newcomer = (): string | undefined => workersOf(system).find((id) => !known.has(id));
        await system.add('provider-worker', { NATS_URL: `nats://127.0.0.1:${proxy.port}` });
        await system.until(() => newcomer() !== undefined, 'the worker behind the proxy');
        behindProxy = newcomer() ?? '';
      },
    },
  );
  const world = {
    ...bare,
    async stop(): Promise<void> {
      await bare.stop();
      await proxy.close();
      await nats.stop();
    },
  };
  return { world, proxy, behindProxy };
}

interface BareWorld extends Omit<FaultedWorld, 'fault'> {
  readonly system: System;
}

interface WorldParts {
  readonly upstream?: ReplayingUpstream;
  /** How long a provider takes. */
  readonly answerMs?: number;
  /** Starts further workers. Resolves once all models are served. */
  readonly addWorkers?: (system: System) => Promise<void>;
}

/** The whole product with a route over three models, and two workers unless the options say otherwise. */
export async function startWorld(
  options: Omit<SystemOptions, 'documents'>,
  { upstream: given, answerMs = defaultAnswerMs, addWorkers = untilAllServed }: WorldParts = {},
): Promise<BareWorld> {
  const upstream = given ?? (await startReplayingUpstream());
  const system = await startSystem({
    counts: { 'provider-worker': 2 },
    ...options,
    documents: { 'world.yaml': threeModels(upstream, answerMs) },
  });
  await addWorkers(system);
  return {
    system,
    upstream,
    ask: (input) => byBus(system, input),
    async stop() {
      await system.stop();
      await upstream.close();
    },
  };
}

const untilAllServed = (system: System): Promise<void> => system.untilServed('first', 'second', 'third');

async function byBus({ client, bus }: System, input: string): Promise<string> {
  if (!bus.isConnected) await untilConnected(bus);
  return (await client.run({ type: 'text_gen', input, timeoutMs: timeoutMs })).model;
}

const untilConnected = (bus: System['bus']): Promise<void> =>
  new Promise((resolve) => {
    const stop = bus.onConnectionChange((isConnected) => {
      if (!isConnected) return;
      stop();
      resolve();
    });
  });

async function overHttp({ httpUrl }: System, input: string): Promise<string> {
  const response = await fetch(`${httpUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: input }] }),
    signal: AbortSignal.timeout(timeoutMs + 5_000),
  });
  const answer = (await response.json()) as { readonly model?: string; readonly error?: { readonly code?: string } };
  if (!response.ok) throw new Error(`${response.status} ${answer.error?.code ?? ''}`);
  return answer.model ?? '';
}
