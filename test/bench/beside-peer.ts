import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startNatsServer } from '@will/testkit';
import { Pool } from 'undici';
import { modelDocument } from '../support/documents.ts';
import bundlePrograms from '../support/bundled-programs.ts';
import { startSystem } from '../support/system.ts';
import { helper, models } from './helper.ts';
import { type Measured, measure, memoryOf, memoryTogether, quantile, warmUp } from './measure.ts';
import { howToInstall, startFloors, startLiteLlm, startOneProcess, startPortkey, type Way } from './ways.ts';
import { type Workload, workloads } from './workloads.ts';

/**
 * The product, as separate processes and as one, beside the floor and beside gateways that install here, in one run
 * before one upstream. Of the product everything is on: decisions, records, telemetry, policy. CPU is the kernel's, of
 * all processes of a way and of its nats-server. Each way is warm before it counts, rounds are interleaved, and a round
 * in which other processes took more of the machine than `--foreign` is dropped while a quieter one is left.
 *
 *   npm run bench:peer -- [--seconds 4] [--rounds 5] [--warm 40000] [--foreign 0.1] [--only chat] [--json]
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    warm: { type: 'string', default: '40000' },
    foreign: { type: 'string', default: '0.1' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};
const [seconds, rounds, foreign] = [Number(options.seconds), Number(options.rounds), Number(options.foreign)];

const folder = await mkdtemp(join(tmpdir(), 'will-bench-'));
const upstream = await helper('./upstream-process.ts');
const paced = modelDocument({ name: 'paced', endpoint: `${upstream.url}/v1`, concurrency: 512 });
const documents = { 'bench.yaml': models(upstream.url), 'paced.yaml': `${paced}\n` };
// As the image runs them: each service is one file.
await bundlePrograms();
const system = await startSystem({ documents, counts: { gateway: 1 } });
await system.untilServed('bench', 'paced');
const services = ['registry', 'policy', 'telemetry', 'provider-worker', 'router', 'gateway'] as const;
const nats = await startNatsServer();
const one = await startOneProcess(
  { NATS_URL: nats.url, WILL_DATA_DIR: join(folder, 'one'), WILL_DOCUMENTS: join(system.dataDir, 'documents') },
  services,
);
const liteLlm = await startLiteLlm(upstream.url, folder);
if (!liteLlm) say(`LiteLLM is not installed, so it is left out: ${howToInstall}`);
const plainWay = (name: string, url: string, pids: Way['pids']): Way => ({ name, url, headers: {}, pids, stop() {} });
const ways: readonly Way[] = [
  plainWay('direct', upstream.url, {}),
  ...(await startFloors(system.nats.url, system.nats.pid, upstream.url)),
  { ...one, pids: { ...one.pids, 'nats-server': nats.pid } },
  plainWay('product, separate', system.httpUrl, {
    'nats-server': system.nats.pid,
    ...Object.fromEntries(services.map((service) => [service, system.of(service)[0]?.pid ?? 0])),
  }),
  await startPortkey(upstream.url),
  ...(liteLlm ? [liteLlm] : []),
];
const pools = new Map(ways.map((way) => [way, new Pool(way.url, { connections: 64, pipelining: 1 })]));
const own = { load: process.pid, upstream: upstream.child.pid ?? 0 };
/** Those that the run is not about meanwhile are the run's own all the same. */
const everybody = Object.assign({}, own, ...ways.map(({ name, pids }) => named(name, pids))) as Record<string, number>;

function named(name: string, pids: Way['pids']): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([process, pid]) => [`${name}: ${process}`, pid]));
}

interface Cell extends Measured {
  readonly firstMs: number;
  readonly errors: ReadonlyMap<string, number>;
}

async function cellOf(way: Way, { call, concurrency }: Workload): Promise<Cell> {
  const firsts: number[] = [];
  const errors = new Map<string, number>();
  const pool = pools.get(way) as Pool;
  const timed = async (): Promise<void> => {
    try {
      firsts.push(await call(pool, way.headers));
    } catch (error) {
      const { message } = error as Error;
      errors.set(message, (errors.get(message) ?? 0) + 1);
      throw error;
    }
  };
  const measured = await measure(timed, { concurrency, seconds, warmupCalls: 0, pids: way.pids, everybody });
  return {
    ...measured,
    firstMs: quantile(
      firsts.toSorted((a, b) => a - b),
      0.5,
    ),
    errors,
  };
}

type Memory = Readonly<Record<'resident' | 'together', number>>;

async function memories(): Promise<Record<string, Memory>> {
  const entries = ways.slice(1).map(async ({ name, pids }): Promise<[string, Memory]> => {
    const resident = Object.values(await memoryOf(pids)).reduce((sum, one) => sum + one, 0);
    return [name, { resident, together: await memoryTogether(pids) }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

const median = (numbers: readonly number[]): number =>
  quantile(
    numbers.filter(Number.isFinite).toSorted((a, b) => a - b),
    0.5,
  );
const cpuUs = ({ cpuUs: byProcess }: Measured): number => Object.values(byProcess).reduce((sum, us) => sum + us, 0);

say(
  `${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}; ${rounds} rounds of ${seconds} s a cell`,
);
const chosen = workloads.filter(({ name }) => name.includes(options.only));
const idleMiB = await memories();
// A path that was never taken is slow the first thousand times, that of streams as well.
const warmedBy = workloads.filter(({ name }) => name === 'chat, plain, c32' || name === 'chat, streamed, c10');
for (const way of ways)
  for (const { call } of warmedBy) {
    const pool = pools.get(way) as Pool;
    await warmUp(() => call(pool, way.headers), { calls: Number(options.warm) / warmedBy.length, pids: way.pids });
  }
const cells = new Map<string, Cell[]>();
for (let round = 0; round < rounds; round += 1)
  // Interleaved, in turn from both ends, so that a machine whose speed drifts is fair to all of them.
  for (const workload of chosen)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      if (!workload.isFor(way)) continue;
      const key = `${workload.name} ${way.name}`;
      cells.set(key, [...(cells.get(key) ?? []), await cellOf(way, workload)]);
    }

/** The quiet rounds; where there is none, all of them. */
function counted(all: readonly Cell[]): readonly Cell[] {
  const quiet = all.filter(({ foreignShare }) => foreignShare <= foreign);
  return quiet.length > 0 ? quiet : all;
}

interface Summary {
  readonly way: string;
  readonly p50Ms: number;
  readonly firstMs: number;
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly foreignShare: number;
  readonly rounds: string;
  readonly errors: string;
}

function summaryOf(workload: Workload, way: Way): Summary | undefined {
  const all = cells.get(`${workload.name} ${way.name}`);
  if (!all) return undefined;
  const kept = counted(all);
  const middle = (pick: (cell: Cell) => number): number => median(kept.map(pick));
  const calls = all.reduce((sum, cell) => sum + cell.calls, 0);
  const failed = all.reduce((sum, cell) => sum + cell.failed, 0);
  const [first] = all.flatMap(({ errors }) => [...errors.keys()]);
  return {
    way: way.name,
    // A way that fails answers quickly: no figure of its is a speed.
    ...(failed > calls
      ? { p50Ms: Number.NaN, firstMs: Number.NaN, perSecond: Number.NaN, cpuUs: Number.NaN }
      : {
          p50Ms: middle(({ p50Ms }) => p50Ms),
          firstMs: middle(({ firstMs }) => firstMs),
          perSecond: middle(({ perSecond }) => perSecond),
          cpuUs: middle(cpuUs),
        }),
    foreignShare: middle(({ foreignShare }) => foreignShare),
    rounds: `${kept.length}/${all.length}`,
    errors: failed === 0 ? '' : `${failed} of ${failed + calls} failed: ${first}`,
  };
}

const padded = (value: number, digits: number): string =>
  (Number.isFinite(value) ? value.toFixed(digits) : '–').padStart(9);
const tables = chosen.map((workload) => ({
  workload: workload.name,
  ways: ways.flatMap((way) => summaryOf(workload, way) ?? []),
}));
for (const { workload, ways: rows } of tables) {
  const of = (name: string): Summary | undefined => rows.find(({ way }) => way === name);
  const [base, peer] = [of('floor, three hops')?.cpuUs ?? Number.NaN, of('Portkey')?.cpuUs ?? Number.NaN];
  say(
    `\n${workload}\n                         p50 ms  first ms   calls/s    cpu µs   ÷ floor ÷ Portkey  rounds  foreign`,
  );
  for (const row of rows)
    say(
      `${row.way.padEnd(22)}${padded(row.p50Ms, 2)} ${padded(row.firstMs, 2)} ${padded(row.perSecond, 0)} ${padded(row.cpuUs, 0)} ${padded(row.cpuUs / base, 2)} ${padded(row.cpuUs / peer, 2)}  ${row.rounds.padStart(6)}  ${(row.foreignShare * 100).toFixed(0).padStart(5)} %  ${row.errors}`,
    );
}
say('\nmemory in MiB, idle → loaded: resident sizes added up; together, with the pages of one program once');
const loadedMiB = await memories();
for (const [name, loaded] of Object.entries(loadedMiB)) {
  const idle = idleMiB[name];
  say(`  ${name.padEnd(22)} ${idle?.resident} → ${loaded.resident}; together ${idle?.together} → ${loaded.together}`);
}
if (options.json) process.stdout.write(`${JSON.stringify({ node: process.version, tables, idleMiB, loadedMiB })}\n`);
for (const pool of pools.values()) await pool.destroy();
for (const way of ways) way.stop();
await system.stop();
await nats.stop();
upstream.child.disconnect();
await rm(folder, { recursive: true, force: true });
