import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { startSystem, type System } from '../support/system.ts';
import { measureDurable } from './durable.ts';
import { helper, models } from './helper.ts';
import { type Measured, measure, memoryOf, warmUp } from './measure.ts';
import { priceOfSecurity, shownPrice } from './security.ts';
import { startFloors } from './ways.ts';

/**
 * What the product costs, in one run on one machine: direct to the upstream, a bare 1 KB round trip over the bus, and
 * through the product, by the bus and by HTTP, and by a floor of the same shape (a server, a router and a worker over
 * the same bus that only pass bytes on); then durable tasks, from submit to result. Ratios can be compared between machines, absolute figures cannot.
 *
 *   npm run bench -- [--seconds 4] [--rounds 3] [--observe off | metrics | traces] [--security compare | off] [--json]
 *
 * `--observe metrics`: every service answers Prometheus; `traces`: besides, every span goes to a collector.
 * `--security compare` (default): at the end, beside a second product with all that protects it.
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    observe: { type: 'string', default: 'off' },
    security: { type: 'string', default: 'compare' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
const prompt = 'x'.repeat(1_000);
const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

interface Path {
  readonly name: string;
  readonly call: () => Promise<unknown>;
}

function paths(system: System, upstreamUrl: string, bareUrl: string): { all: Path[]; close(): Promise<void> } {
  const direct = new Pool(upstreamUrl, { connections: 64, pipelining: 1 });
  const server = new Pool(system.httpUrl, { connections: 64, pipelining: 1 });
  const bare = new Pool(bareUrl, { connections: 64, pipelining: 1 });
  const body = (model: string): string => JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] });
  const post = async (pool: Pool, model: string): Promise<void> => {
    const answer = await pool.request({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
      body: body(model),
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  };
  const kilobyte = new Uint8Array(1024);
  return {
    all: [
      { name: 'direct', call: () => post(direct, 'bench') },
      { name: 'bus round trip', call: () => system.bus.request('will.v1.bench.echo', kilobyte, 5_000) },
      { name: 'floor, by HTTP', call: () => post(bare, 'bench') },
      { name: 'through, by the bus', call: () => system.client.run({ type: 'text_gen', input: prompt }) },
      { name: 'through, by HTTP', call: () => post(server, 'text_gen') },
    ],
    close: async () => {
      await direct.close();
      await server.close();
      await bare.close();
    },
  };
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const fixed = (value: number, digits = 2): string => value.toFixed(digits).padStart(9);

const upstream = await helper('./upstream-process.ts');
const collector = options.observe === 'traces' ? await helper('./collector-process.ts') : undefined;
const system = await startSystem({
  documents: { 'bench.yaml': models(upstream.url) },
  counts: { gateway: 1 },
  env: {
    ...(options.observe !== 'off' && { WILL_METRICS_PORT: '0' }),
    ...(collector && { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` }),
  },
});
const echo = await helper('./echo-process.ts', { NATS_URL: system.nats.url });
const floors = await startFloors(system.nats.url, system.nats.pid, upstream.url);
const floor = floors.find(({ name }) => name === 'floor, three hops');
if (!floor) throw new Error('there is no floor of three hops');
await system.untilServed('bench');
const pids: Record<string, number> = {
  ...Object.fromEntries(Object.entries(floor.pids).map(([name, pid]) => [`floor ${name}`, pid])),
  'nats-server': system.nats.pid,
  upstream: upstream.child.pid as number,
  load: process.pid,
};
for (const service of ['gateway', 'router', 'provider-worker', 'policy', 'telemetry', 'registry'] as const) {
  const [first] = system.of(service);
  if (first) pids[service] = first.pid;
}
const idleMiB = await memoryOf(pids);
const { all, close } = paths(system, upstream.url, floor.url);
const results = new Map<string, Measured[]>();
say(
  `${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}; 1 KB prompt, plain answer, observed: ${options.observe}, ${rounds} rounds of ${seconds} s a cell\n`,
);
for (const { call } of all) await warmUp(call, { calls: 40_000, pids });
for (let round = 0; round < rounds; round += 1) {
  for (const concurrency of [1, 32]) {
    // Interleaved, so that a machine whose speed drifts is fair to all of them.
    for (const { name, call } of all) {
      const measured = await measure(call, { concurrency, seconds, warmupCalls: 50, pids });
      const key = `${name} c${concurrency}`;
      results.set(key, [...(results.get(key) ?? []), measured]);
    }
  }
}
const loadedMiB = await memoryOf(pids);
const durable = await measureDurable(system, prompt, { concurrency: 32, seconds });
const of = (name: string, concurrency: number) => {
  const runs = results.get(`${name} c${concurrency}`) ?? [];
  return {
    p50Ms: median(runs.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(runs.map(({ p99Ms }) => p99Ms)),
    perSecond: median(runs.map(({ perSecond }) => perSecond)),
    failed: runs.reduce((sum, { failed }) => sum + failed, 0),
    calls: runs.reduce((sum, { calls }) => sum + calls, 0),
    cpuUs: Object.fromEntries(
      Object.keys(pids).map((process) => [process, median(runs.map(({ cpuUs }) => cpuUs[process] ?? 0))]),
    ),
  };
};
say('path                    c      p50 ms    p99 ms    calls/s   added p50  added p99  failed');
for (const concurrency of [1, 32]) {
  const direct = of('direct', concurrency);
  for (const { name } of all) {
    const { p50Ms, p99Ms, perSecond, failed } = of(name, concurrency);
    say(
      `${name.padEnd(22)} ${String(concurrency).padStart(2)} ${fixed(p50Ms, 3)} ${fixed(p99Ms, 3)} ${fixed(perSecond, 0)}   ${fixed(p50Ms - direct.p50Ms, 3)} ${fixed(p99Ms - direct.p99Ms, 3)}   ${failed}`,
    );
  }
}
const roundTrip = of('bus round trip', 1).p50Ms;
/** In round trips. The floor has none. */
const aims: Readonly<Record<string, number | undefined>> = { 'through, by the bus': 3.5, 'through, by HTTP': 4.5 };
const ratios = Object.fromEntries(
  ['floor, by HTTP', ...Object.keys(aims)].map((name) => [
    name,
    (of(name, 1).p50Ms - of('direct', 1).p50Ms) / roundTrip,
  ]),
);
say('\nratios');
for (const [name, ratio] of Object.entries(ratios))
  say(
    `  added p50 at concurrency 1, ${name}: ${ratio.toFixed(2)} bare bus round trips${aims[name] === undefined ? '' : ` (aim ≤ ${aims[name]})`}`,
  );
for (const name of ['floor, by HTTP', 'through, by the bus', 'through, by HTTP'])
  say(
    `  calls/s at concurrency 32, ${name}: ${(of(name, 32).perSecond / of('bus round trip', 32).perSecond).toFixed(2)} of the bare round trips', ${(of(name, 32).perSecond / of('direct', 32).perSecond).toFixed(3)} of direct`,
  );
say('\ndurable tasks, by the bus      c      p50 ms    p99 ms   tasks/s  failed');
for (const [name, concurrency, measured] of [
  ['submit', 32, durable.submit],
  ['submit to result', 1, durable.toResultAlone],
  ['submit to result', 32, durable.toResult],
] as const) {
  const { p50Ms, p99Ms, perSecond, failed } = measured;
  say(
    `${name.padEnd(29)} ${String(concurrency).padStart(2)} ${fixed(p50Ms)} ${fixed(p99Ms)} ${fixed(perSecond, 0)}   ${failed}`,
  );
}
say('\nprocessor time per call in µs, concurrency 32');
for (const name of ['floor, by HTTP', 'through, by the bus', 'through, by HTTP']) {
  const { cpuUs } = of(name, 32);
  say(
    `  ${name}: ${Object.entries(cpuUs)
      .map(([process, us]) => `${process} ${us.toFixed(0)}`)
      .join(', ')}`,
  );
}
say('\nresident memory in MiB, idle → loaded');
say(
  `  ${Object.keys(pids)
    .map((process) => `${process} ${idleMiB[process]} → ${loadedMiB[process]}`)
    .join(', ')}`,
);
const price =
  options.security === 'off'
    ? []
    : await priceOfSecurity(system, { upstreamUrl: upstream.url, prompt, seconds, rounds });
if (price.length > 0) say(`\n${shownPrice(price)}`);
if (options.json) {
  const cells = [1, 32].flatMap((concurrency) =>
    all.map(({ name }) => ({ name, concurrency, ...of(name, concurrency) })),
  );
  process.stdout.write(
    `${JSON.stringify({ node: process.version, cells, durable, ratios, idleMiB, loadedMiB, price })}
`,
  );
}
await close();
echo.child.disconnect();
for (const each of floors) each.stop();
await system.stop();
upstream.child.disconnect();
collector?.child.disconnect();
