import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { loadavg } from 'node:os';
import { findNatsServer } from '@will/testkit';
import { Pool } from 'undici';
import { Random } from '../policy/random.ts';
import { checkoutOf } from '../support/checkout.ts';
import { modelDocument } from '../support/documents.ts';
import type * as Support from '../support/system.ts';
import type { System } from '../support/system.ts';
import { helper, models } from './helper.ts';
import { measure, type Measured } from './measure.ts';
import { pairedRatio } from './paired-ratio.ts';

/**
 * Whether this checkout is slower than another commit of the repository. Both products run at once on buses of their
 * own and are measured in turn, in the order A B B A; only ratios of neighbours count.
 *
 *   npm run bench:release -- --base <commit> [--pairs 24] [--seconds 1]
 *
 * "No slower": the upper end of the 95 % interval of latency and processor time is at most 1.05.
 */
const { values: options } = parseArgs({
  options: {
    base: { type: 'string' },
    pairs: { type: 'string', default: '24' },
    seconds: { type: 'string', default: '1' },
  },
});
if (options.base === undefined) throw new Error('--base must name a commit to compare with');
const pairs = Number(options.pairs);
const seconds = Number(options.seconds);
const root = fileURLToPath(new URL('../../', import.meta.url));
const prompt = 'x'.repeat(1_000);
const services = ['gateway', 'router', 'provider-worker', 'policy', 'telemetry', 'registry'] as const;

/** `stream`: 100 chunks, 5 ms apart, by HTTP. */
type Path = 'bus' | 'HTTP' | 'stream';

interface Product {
  readonly system: System;
  readonly pids: Readonly<Record<string, number>>;
  readonly paths: Readonly<Record<Path, () => Promise<unknown>>>;
  close(): Promise<void>;
}

/** Starts a product with the test support of its own checkout, so that each runs its own code only. */
async function start(checkout: string, upstreamUrl: string): Promise<Product> {
  const support = (await import(pathToFileURL(join(checkout, 'test/support/system.ts')).href)) as typeof Support;
  const system = await support.startSystem({
    documents: {
      'bench.yaml': models(upstreamUrl),
      'paced.yaml': `${modelDocument({ name: 'paced', endpoint: `${upstreamUrl}/v1`, concurrency: 512 })}\n`,
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('bench', 'paced');
  const pool = new Pool(system.httpUrl, { connections: 64, pipelining: 1 });
  const messages = [{ role: 'user', content: prompt }];
  const plain = JSON.stringify({ model: 'text_gen', messages });
  const streamed = JSON.stringify({ model: 'paced', messages, stream: true });
  const headers = { 'content-type': 'application/json' };
  const ask = async (body: string): Promise<void> => {
    const answer = await pool.request({ method: 'POST', path: '/v1/chat/completions', headers, body });
    await answer.body.dump();
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  };
  return {
    system,
    pids: {
      ...Object.fromEntries(services.map((service) => [service, system.of(service)[0]?.pid ?? 0])),
      'nats-server': system.nats.pid,
    },
    paths: {
      bus: () => system.client.run({ type: 'text_gen', input: prompt }),
      HTTP: () => ask(plain),
      stream: () => ask(streamed),
    },
    async close() {
      await pool.close();
      await system.stop();
    },
  };
}

const cpuUs = ({ cpuUs: byProcess }: Measured): number => Object.values(byProcess).reduce((sum, us) => sum + us, 0);

/** What is compared of a cell. Each grows when the product gets slower. */
const figures: Readonly<Record<string, (measured: Measured) => number>> = {
  p50: ({ p50Ms }) => p50Ms,
  'time per call': ({ perSecond }) => 1 / perSecond,
  'processor time': cpuUs,
};

// Both on the same nats-server program, whatever each checkout would bring.
process.env['WILL_NATS_SERVER'] ??= findNatsServer();
/** Medians by process, base → head. */
function processes(measured: readonly (readonly [Measured, Measured])[]): string {
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  const of = (side: 0 | 1, name: string): string =>
    median(measured.map((pair) => pair[side].cpuUs[name] ?? 0)).toFixed(0);
  return [...services, 'nats-server'].map((name) => `${name} ${of(0, name)} → ${of(1, name)}`).join(', ');
}

const upstream = await helper('./upstream-process.ts');
const base = await start(checkoutOf(options.base), upstream.url);
const head = await start(root, upstream.url);
const cells: readonly { readonly path: Path; readonly concurrency: number }[] = [
  ...(['bus', 'HTTP'] as const).flatMap((path) => [1, 32].map((concurrency) => ({ path, concurrency }))),
  { path: 'stream', concurrency: 32 },
];
const once = ({ paths, pids }: Product, path: Path, concurrency: number, warmupCalls = 0): Promise<Measured> =>
  measure(paths[path], { concurrency, seconds, warmupCalls, pids });

for (const product of [base, head])
  for (const { path } of cells) await once(product, path, 32, path === 'stream' ? 320 : 5_000);
const random = new Random(1);
let slower = 0;
process.stdout.write(
  `against ${options.base}, ${pairs} pairs of ${seconds} s, load average before ${loadavg()[0]?.toFixed(2)}\n`,
);
for (const { path, concurrency } of cells) {
  const measured: [Measured, Measured][] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const [first, second] = pair % 2 === 0 ? [base, head] : [head, base];
    const results = [await once(first, path, concurrency), await once(second, path, concurrency)] as const;
    measured.push(pair % 2 === 0 ? [results[0], results[1]] : [results[1], results[0]]);
  }
  const failed = measured.flat().reduce((sum, one) => sum + one.failed, 0);
  for (const [name, figure] of Object.entries(figures)) {
    const { mean, low, high } = pairedRatio(
      measured.map(([a, b]) => [figure(a), figure(b)]),
      () => random.next(),
    );
    if (high > 1.05) slower += 1;
    process.stdout.write(
      `${`${path} c${concurrency} ${name}`.padEnd(28)} ${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})${high > 1.05 ? '  above 1.05' : ''}\n`,
    );
  }
  process.stdout.write(`  µs of processor time: ${processes(measured)}\n`);
  if (failed > 0) process.stdout.write(`  ${failed} calls failed\n`);
}
process.stdout.write(
  slower === 0 ? 'no slower: every interval ends at or below 1.05\n' : `${slower} intervals end above 1.05\n`,
);
await Promise.all([base.close(), head.close()]);
upstream.child.disconnect();
process.exitCode = slower === 0 ? 0 : 1;
