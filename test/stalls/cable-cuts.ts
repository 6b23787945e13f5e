import { newId } from '@will/contracts';
import { startNatsServer, startReplayingUpstream } from '@will/testkit';
import { Cable, hasConnection } from './cable.ts';
import { idOf, pause } from './faulted-calls.ts';
import { startWorld } from './net-worlds.ts';

const lanes = 40;
const timeoutMs = 60_000;
/** Tasks go on for so long after the cut. */
const goesOnMs = 5_000;
const checksEveryMs = 50;
const settleMs = 8_000;
/** As in the configurations that are shipped: a client that is gone without a word is noticed within 30 s. */
const conf = 'ping_interval: "10s"\nping_max: 2\n';

interface Task {
  readonly startedMs: number;
  endedMs: number;
  how: string;
}

/** Cuts the cable between one of two workers and nats-server, again and again, and tells each time what came of it. */
export async function cutCables(cuts: number, say: (line: string) => void): Promise<void> {
  const cable = new Cable();
  const { bus, provider } = cable.addresses;
  const nats = await startNatsServer({ conf, host: bus });
  const upstream = await startReplayingUpstream({ host: provider });
  const world = await startWorld(
    { natsUrl: nats.url, counts: { 'provider-worker': 1 } },
    {
      upstream,
      addWorkers: async (system) => {
        await system.add('provider-worker', {}, cable.through);
        await system.untilServed('first', 'second', 'third');
      },
    },
  );
  const pid = world.system.of('provider-worker').at(-1)?.pid ?? 0;
  try {
    for (let n = 1; n <= cuts; n += 1) {
      upstream.clear();
      const tasks = new Map<string, Task>();
      let isOver = false;
      const lane = async (): Promise<void> => {
        while (!isOver) {
          const id = newId();
          const task: Task = { startedMs: performance.now(), endedMs: Number.POSITIVE_INFINITY, how: '' };
          tasks.set(id, task);
          task.how = await world.system.client
            .run({ type: 'text_gen', input: `${id} hello`, timeoutMs: timeoutMs })
            .then(
              ({ model }) => model,
              ({ code }: { readonly code?: string }) => `${code}`,
            );
          task.endedMs = performance.now();
        }
      };
      const running = Promise.all(Array.from({ length: lanes }, lane));
      await pause(2_000 + Math.random() * 1_000);
      const cutMs = performance.now();
      cable.cut();
      setTimeout(() => {
        isOver = true;
      }, goesOnMs);
      const gone = (of: number): Promise<number> => until(() => !hasConnection(of, nats.port)).then((at) => at - cutMs);
      const [workerMs, serverMs] = await Promise.all([gone(pid), gone(process.pid), running]);
      const mendMs = performance.now();
      cable.mend();
      const backMs = (await until(() => hasConnection(pid, nats.port))) - mendMs;
      await pause(settleMs);
      const underWay = [...tasks].filter(([, one]) => one.startedMs <= cutMs && one.endedMs > cutMs);
      const later = [...tasks].filter(([, one]) => one.startedMs > cutMs);
      const callsById = Map.groupBy(upstream.requests, idOf);
      const second = ([id]: readonly [string, Task]): boolean => (callsById.get(id)?.length ?? 0) > 1;
      const toldOf = (some: readonly (readonly [string, Task])[]): string =>
        [...Map.groupBy(some, ([, { how }]) => how)].map(([how, all]) => `${all.length} × ${how}`).join(', ');
      const maxMs = (some: readonly (readonly [string, Task])[], fromMs: (task: Task) => number): number =>
        Math.max(0, ...some.map(([, task]) => task.endedMs - fromMs(task)));
      say(
        `cable cut ${n}: the worker gives its connection up after ${seconds(workerMs)}, nats-server after ${seconds(serverMs)}; ` +
          `under way ${underWay.length} tasks, over within ${seconds(maxMs(underWay, () => cutMs))} of the cut ` +
          `(${toldOf(underWay)}), ${underWay.filter(second).length} called twice; ` +
          `begun later ${later.length}, each over within ${seconds(maxMs(later, ({ startedMs }) => startedMs))} ` +
          `(${toldOf(later)}), ${later.filter(second).length} called twice; back ${seconds(backMs)} after the cable`,
      );
    }
  } finally {
    await world.stop();
    await nats.stop();
    cable.remove();
  }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Resolves with the instant at which it holds. */
async function until(holds: () => boolean): Promise<number> {
  while (!holds()) await pause(checksEveryMs);
  return performance.now();
}
