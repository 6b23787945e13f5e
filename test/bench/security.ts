import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareBusFolder } from '@will/bus-server';
import { Pool } from 'undici';
import { environmentAs, startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';
import { models } from './helper.ts';
import { type Measured, measure } from './measure.ts';

export interface PriceOptions {
  readonly upstreamUrl: string;
  readonly prompt: string;
  readonly seconds: number;
  readonly rounds: number;
}

/** What one path does with everything off and on, at one concurrency: medians of the rounds. */
export interface PriceRow {
  readonly path: string;
  readonly concurrency: number;
  readonly off: Figures;
  readonly on: Figures;
}
interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  readonly failed: number;
}
interface Variant {
  readonly path: string;
  readonly isOn: boolean;
  readonly call: () => Promise<unknown>;
}

/**
 * The product as it is, beside one with users, permissions and TLS on the bus and keys at the servers: each measured in turn, on
 * the same upstream.
 *
 * @param plain runs already, without any of it
 */
export async function priceOfSecurity(plain: System, options: PriceOptions): Promise<readonly PriceRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'will-bench-bus-'));
  const bus = await prepareBusFolder(folder, { nowMs: Date.now() });
  const secure = await startSystem({
    documents: { 'bench.yaml': models(options.upstreamUrl) },
    counts: { gateway: 1 },
    env: { WILL_KEYS: 'required' },
    secure: bus,
  });
  await secure.untilServed('bench');
  const willm = willmAt(secure.nats.url, environmentAs('operator', bus));
  const { out, err, code } = await willm('keys', 'create', '--client', 'test');
  if (code !== 0) throw new Error(err);
  const servers = [
    startHttpServer(plain, options.prompt),
    startHttpServer(secure, options.prompt, out.trim()),
  ] as const;
  const byBus = (system: System) => () => system.client.run({ type: 'text_gen', input: options.prompt });
  const variants: readonly Variant[] = [
    { path: 'by the bus', isOn: false, call: byBus(plain) },
    { path: 'by the bus', isOn: true, call: byBus(secure) },
    { path: 'by HTTP', isOn: false, call: servers[0].call },
    { path: 'by HTTP', isOn: true, call: servers[1].call },
  ];
  const rows = await measureInTurn(variants, options);
  for (const server of servers) await server.close();
  await secure.stop();
  await rm(folder, { recursive: true });
  return rows;
}

async function measureInTurn(
  variants: readonly Variant[],
  { seconds, rounds }: PriceOptions,
): Promise<readonly PriceRow[]> {
  const results = new Map<string, Measured[]>();
  const keyOf = (path: string, isOn: boolean, concurrency: number): string => `${path} ${isOn} ${concurrency}`;
  for (let round = 0; round < rounds; round += 1)
    for (const concurrency of [1, 32])
      for (const { path, isOn, call } of variants) {
        const warmupCalls = round === 0 ? 500 : 50;
        const key = keyOf(path, isOn, concurrency);
        results.set(key, [
          ...(results.get(key) ?? []),
          await measure(call, { concurrency, seconds, warmupCalls, pids: {} }),
        ]);
      }
  const figures = (path: string, isOn: boolean, concurrency: number): Figures => {
    const runs = results.get(keyOf(path, isOn, concurrency)) ?? [];
    return {
      p50Ms: median(runs.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(runs.map(({ p99Ms }) => p99Ms)),
      perSecond: median(runs.map(({ perSecond }) => perSecond)),
      failed: runs.reduce((sum, { failed }) => sum + failed, 0),
    };
  };
  return [1, 32].flatMap((concurrency) =>
    ['by the bus', 'by HTTP'].map((path) => ({
      path,
      concurrency,
      off: figures(path, false, concurrency),
      on: figures(path, true, concurrency),
    })),
  );
}

function startHttpServer(
  system: System,
  prompt: string,
  key?: string,
): { call(): Promise<void>; close(): Promise<void> } {
  const pool = new Pool(system.httpUrl, { connections: 64, pipelining: 1 });
  const body = JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: prompt }] });
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  return {
    async call() {
      const answer = await pool.request({ method: 'POST', path: '/v1/chat/completions', headers, body });
      await answer.body.dump();
      if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
    },
    close: () => pool.close(),
  };
}

/** Lines for people. */
export function shownPrice(rows: readonly PriceRow[]): string {
  const fixed = (value: number, digits: number): string => value.toFixed(digits).padStart(9);
  const lines = rows.map(({ path, concurrency, off, on }) =>
    [
      `  ${path.padEnd(12)} ${String(concurrency).padStart(2)}`,
      `${fixed(off.p50Ms, 3)} → ${fixed(on.p50Ms, 3)}  ${signed(on.p50Ms - off.p50Ms).padStart(7)}`,
      `${fixed(off.perSecond, 0)} → ${fixed(on.perSecond, 0)}  ${percent(on.perSecond / off.perSecond - 1).padStart(7)}`,
      `${fixed(off.p99Ms, 3)} → ${fixed(on.p99Ms, 3)}`,
      `${off.failed + on.failed}`.padStart(4),
    ].join('   '),
  );
  return `price of security: users, permissions and TLS on the bus, keys at the servers; off → on
  path          c   p50 ms                added     calls/s                          p99 ms                failed
${lines.join('\n')}`;
}

const signed = (value: number): string => `${value >= 0 ? '+' : ''}${value.toFixed(3)}`;
const percent = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
