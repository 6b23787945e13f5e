import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { modelDocument } from '../support/documents.ts';
import { startSystem } from '../support/system.ts';
import { freePort } from '../support/system.ts';
import { helper, models, startBarePath } from './helper.ts';
import { type Measured, measure, memoryOf, quantile } from './measure.ts';

/**
 * The product beside an npm-installable gateway, `@portkey-ai/gateway`, in one run, on one machine, before one
 * upstream. Of the product everything is on: decisions, records, telemetry, policy; its processor time is that of all
 * its processes and of nats-server together. The peer is a pass-through in one process. Besides, the bare path: a server, a
 * forwarder and a worker over the same bus that only pass bytes on, which no product of this shape can be faster than.
 *
 *   npm run bench:peer -- [--seconds 4] [--rounds 3] [--json]
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
const prompt = 'x'.repeat(1_000);
const chunksOfStream = 100;
const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

/** One way to the upstream. */
interface Way {
  readonly name: string;
  readonly pool: Pool;
  readonly headers: Readonly<Record<string, string>>;
  /** All processes that work for it. */
  readonly pids: Readonly<Record<string, number>>;
}

async function startPeer(): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const program = fileURLToPath(import.meta.resolve('@portkey-ai/gateway/build/start-server.js'));
  const child = spawn(process.execPath, [program, `--port=${port}`, '--headless'], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  const giveUpMs = performance.now() + 20_000;
  while (
    !(await fetch(url).then(
      () => true,
      () => false,
    ))
  ) {
    if (performance.now() > giveUpMs) throw new Error(`the peer did not answer at ${url} within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, url };
}

const requestOf = ({ headers }: Way, model: string, stream: boolean) => ({
  method: 'POST' as const,
  path: '/v1/chat/completions',
  headers: { 'content-type': 'application/json', authorization: 'Bearer none', ...headers },
  body: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }], stream }),
});

async function plain(way: Way): Promise<void> {
  const answer = await way.pool.request(requestOf(way, 'bench', false));
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
}

/** Milliseconds until the first content. @throws unless the whole stream came. */
async function streamed(way: Way): Promise<number> {
  const startedMs = performance.now();
  const answer = await way.pool.request(requestOf(way, 'paced', true));
  let firstMs = Number.NaN;
  let tail = '';
  for await (const chunk of answer.body) {
    // With the end of the read before it: a piece may be cut anywhere.
    const text = tail + String(chunk);
    // The upstream's first piece of the text; the empty one with the role comes before it.
    if (Number.isNaN(firstMs) && /"content":"w/.test(text)) firstMs = performance.now() - startedMs;
    tail = text.slice(-20);
  }
  if (answer.statusCode !== 200 || !tail.includes('[DONE]')) throw new Error(`status ${answer.statusCode}: ${tail}`);
  return firstMs;
}

/** Of what was measured at all: a round in which nothing came does not decide where the middle is. */
const median = (numbers: readonly number[]): number =>
  quantile(
    numbers.filter(Number.isFinite).sort((a, b) => a - b),
    0.5,
  );
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const upstream = await helper('./upstream-process.ts');
const paced = modelDocument({ name: 'paced', endpoint: `${upstream.url}/v1`, concurrency: 512 });
const system = await startSystem({
  documents: { 'bench.yaml': models(upstream.url), 'paced.yaml': `${paced}\n` },
  counts: { gateway: 1 },
});
await system.untilServed('bench', 'paced');
const peer = await startPeer();
const bare = await startBarePath(system.nats.url, upstream.url);
const pool = (url: string): Pool => new Pool(url, { connections: 64, pipelining: 1 });
const services = ['gateway', 'router', 'provider-worker', 'policy', 'telemetry', 'registry'] as const;
const productPids = {
  'nats-server': system.nats.pid,
  ...Object.fromEntries(services.map((service) => [service, system.of(service)[0]?.pid ?? 0])),
};
const ways: readonly Way[] = [
  { name: 'direct', pool: pool(upstream.url), headers: {}, pids: {} },
  { name: 'product', pool: pool(system.httpUrl), headers: {}, pids: productPids },
  {
    name: 'bare path',
    pool: pool(bare.url),
    headers: {},
    pids: { 'nats-server': system.nats.pid, ...bare.pids },
  },
  {
    name: 'peer',
    pool: pool(peer.url),
    headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream.url}/v1` },
    pids: { peer: peer.child.pid as number },
  },
];

const cells = new Map<string, (Measured & { firstMs: readonly number[] })[]>();
async function cell(
  key: string,
  way: Way,
  concurrency: number,
  call: () => Promise<number | undefined>,
): Promise<void> {
  const firstMs: number[] = [];
  const timed = async (): Promise<void> => {
    const first = await call();
    if (first !== undefined) firstMs.push(first);
  };
  const measured = await measure(timed, { concurrency, seconds, warmupCalls: concurrency * 4, pids: way.pids });
  cells.set(key, [...(cells.get(key) ?? []), { ...measured, firstMs }]);
}

say(
  `${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}; 1 KB prompt, ${rounds} rounds of ${seconds} s a cell`,
);
const idleMiB = Object.fromEntries(
  await Promise.all(ways.map(async ({ name, pids }) => [name, await memoryOf(pids)] as const)),
);
for (let round = 0; round < rounds; round += 1)
  // Interleaved, so that a machine whose speed drifts is fair to all of them.
  for (const way of ways) {
    await cell(`${way.name} c1`, way, 1, () => plain(way).then(() => undefined));
    await cell(`${way.name} c32`, way, 32, () => plain(way).then(() => undefined));
    if (way.name === 'bare path') continue;
    await cell(`${way.name} sse`, way, 32, () => streamed(way));
    await cell(`${way.name} sse alone`, way, 1, () => streamed(way));
  }
const loadedMiB = Object.fromEntries(
  await Promise.all(ways.map(async ({ name, pids }) => [name, await memoryOf(pids)] as const)),
);

const of = (key: string) => {
  const runs = cells.get(key) ?? [];
  const middle = (pick: (run: (typeof runs)[number]) => number): number => median(runs.map(pick));
  return {
    calls: sum(runs.map(({ calls }) => calls)),
    failed: sum(runs.map(({ failed }) => failed)),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    perSecond: middle(({ perSecond }) => perSecond),
    cpuUs: middle(({ cpuUs }) => sum(Object.values(cpuUs))),
    firstMs: middle(({ firstMs }) => median(firstMs)),
    cpuUsOf: Object.fromEntries(
      Object.keys(runs[0]?.cpuUs ?? {}).map((process) => [process, middle((run) => run.cpuUs[process] ?? 0)]),
    ),
  };
};
const fixed = (value: number, digits: number): string =>
  (Number.isFinite(value) ? value.toFixed(digits) : '–').padStart(9);
say('\nplain           p50 c1 ms  p50 c32 ms  p99 c32 ms  calls/s c32  cpu µs/call c32  failed');
for (const { name } of ways) {
  const [one, many] = [of(`${name} c1`), of(`${name} c32`)];
  say(
    `${name.padEnd(14)} ${fixed(one.p50Ms, 3)}  ${fixed(many.p50Ms, 2)}   ${fixed(many.p99Ms, 2)}    ${fixed(many.perSecond, 0)}        ${fixed(many.cpuUs, 0)}  ${one.failed + many.failed}`,
  );
}
say(`\n32 streams of ${chunksOfStream} chunks, 5 ms apart`);
say('               whole p50 ms  first content p50 ms  cpu µs/chunk  failed of calls');
for (const { name } of ways.filter(({ name }) => name !== 'bare path')) {
  const { p50Ms, firstMs, cpuUs, failed, calls } = of(`${name} sse`);
  say(
    `${name.padEnd(14)}   ${fixed(p50Ms, 1)}             ${fixed(firstMs, 2)}     ${fixed(calls === 0 ? Number.NaN : cpuUs / chunksOfStream, 1)}  ${failed} of ${failed + calls}`,
  );
}
const [product, floor, other] = [of('product c32'), of('bare path c32'), of('peer c32')];
const ratios = {
  throughput: product.perSecond / other.perSecond,
  cpuPerCall: product.cpuUs / other.cpuUs,
  sseCpuUsPerChunk: of('product sse').cpuUs / chunksOfStream,
  addedFirstContentMs: of('product sse').firstMs - of('direct sse').firstMs,
  addedFirstContentAloneMs: of('product sse alone').firstMs - of('direct sse alone').firstMs,
  largestProcessMiB: Math.max(...Object.values(loadedMiB['product'] ?? {})),
};
say('\nbare path to peer: what can be reached at most here');
say(`  throughput at concurrency 32: ${(floor.perSecond / other.perSecond).toFixed(2)} times`);
say(`  processor time per call: ${(floor.cpuUs / other.cpuUs).toFixed(2)} times`);
say('\nproduct to peer');
say(`  throughput at concurrency 32: ${ratios.throughput.toFixed(2)} times (aim ≥ 4)`);
say(`  processor time per call, all processes together: ${ratios.cpuPerCall.toFixed(2)} times (aim ≤ 0.33)`);
say(`  processor time per streamed chunk: ${ratios.sseCpuUsPerChunk.toFixed(0)} µs (aim ≤ 120)`);
say(
  `  first content later than direct by ${fixed(ratios.addedFirstContentAloneMs, 2).trim()} ms alone, by ${fixed(ratios.addedFirstContentMs, 2).trim()} ms where 32 begin at once`,
);
say(`  largest process under load: ${ratios.largestProcessMiB} MiB (aim ≤ 200)`);
say('\nprocessor time of the product in µs, by process');
for (const [what, key, per] of [
  ['a call', 'product c32', 1],
  ['a chunk', 'product sse', chunksOfStream],
] as const)
  say(
    `  ${what}: ${Object.entries(of(key).cpuUsOf)
      .map(([process, us]) => `${process} ${(us / per).toFixed(per === 1 ? 0 : 1)}`)
      .join(', ')}`,
  );
say('\nresident memory in MiB, idle → loaded');
for (const { name, pids } of ways.slice(1))
  say(
    `  ${name}: ${Object.keys(pids)
      .map((process) => `${process} ${idleMiB[name]?.[process]} → ${loadedMiB[name]?.[process]}`)
      .join(', ')}`,
  );
if (options.json)
  process.stdout.write(
    `${JSON.stringify({ node: process.version, ratios, cells: Object.fromEntries([...cells.keys()].map((key) => [key, of(key)])), idleMiB, loadedMiB })}\n`,
  );
for (const way of ways) await way.pool.close();
peer.child.kill();
bare.stop();
await system.stop();
upstream.child.disconnect();
