import { Agent, request } from 'node:http';
import { TaskError } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../policy/random.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// More is asked for than one model can do. `WILL_OVERLOAD_SLOTS` is how many calls it takes at once, of a tenth of a second
// each; `WILL_OVERLOAD_SECONDS` how long it lasts. Run with 50 slots and 10 seconds for the figures of the documentation.

const slots = Number(process.env['WILL_OVERLOAD_SLOTS'] ?? 10);
const seconds = Number(process.env['WILL_OVERLOAD_SECONDS'] ?? 3);
const callMs = 100;
const peakPerSecond = (slots * 1_000) / callMs;
const timeoutMs = 1_000;
/** What this machine, with other work on it, is given beside what is aimed at. */
const isLong = process.env['WILL_OVERLOAD_SECONDS'] !== undefined;

interface Told {
  readonly client: string;
  readonly atMs: number;
  readonly tookMs: number;
  /** Undefined: it succeeded. */
  readonly refusal: string | undefined;
  readonly retryAfterMs: number;
}

type Ask = (client: string) => Promise<Omit<Told, 'client' | 'atMs' | 'tookMs'>>;

let upstream: ReplayingUpstream;
let system: System;
/** What it does when it is full and nothing is refused. */
let measuredPeak = peakPerSecond;
const agent = new Agent({ keepAlive: true, maxSockets: 4_000 });

beforeAll(async () => {
  upstream = await startReplayingUpstream({ keepLog: false });
  upstream.script('narrow', { kind: 'answer', delayMs: callMs });
  system = await startSystem({
    callers: ['noisy', ...['c', 'q'].flatMap((name) => Array.from({ length: 19 }, (_, n) => `${name}${n}`))],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Narrow', tags: 'narrow', endpoint: `${upstream.url}/v1`, concurrency: slots }),
        routeDocument('narrow', 'Narrow'),
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('narrow');
});
afterAll(async () => {
  agent.destroy();
  await system?.stop();
  await upstream.close();
});

const overBus: Ask = (client) =>
  system.client.run({ client, type: 'narrow', input: 'Hello', timeoutMs: timeoutMs }).then(
    () => ({ refusal: undefined, retryAfterMs: 0 }),
    (error: unknown) =>
      error instanceof TaskError
        ? { refusal: error.code, retryAfterMs: error.retryAfterMs }
        : { refusal: String(error), retryAfterMs: 0 },
  );

const body = JSON.stringify({ model: 'narrow', messages: [{ role: 'user', content: 'Hello' }] });
const overHttp: Ask = (client) =>
  new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      'x-will-client': client,
      'x-will-timeout-ms': String(timeoutMs),
    };
    const sent = request(`${system.httpUrl}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => {
        const isGood = response.statusCode === 200;
        const retryAfterMs = Number(response.headers['retry-after'] ?? 0) * 1_000;
        resolve({ refusal: isGood ? undefined : `HTTP ${response.statusCode}`, retryAfterMs });
      });
    });
    sent.on('error', (error) => resolve({ refusal: error.message, retryAfterMs: 0 }));
    sent.end(body);
  });

/** Asks at times drawn as of people who know nothing of each other, the same in every run, however long earlier ones take. */
async function offer(ask: Ask, shares: ReadonlyMap<string, number>, forSeconds: number): Promise<readonly Told[]> {
  const random = new Random(7);
  const nextMs = new Map<string, number>();
  const gapMs = (perSecond: number): number => (-Math.log(1 - random.next()) * 1_000) / perSecond;
  for (const [client, perSecond] of shares) nextMs.set(client, gapMs(perSecond));
  const startedMs = performance.now();
  const told: Promise<Told>[] = [];
  for (let nowMs = 0; nowMs < forSeconds * 1_000; nowMs = performance.now() - startedMs) {
    for (const [client, perSecond] of shares)
      for (let due = nextMs.get(client) ?? 0; due <= nowMs; due += gapMs(perSecond), nextMs.set(client, due)) {
        const atMs = performance.now() - startedMs;
        told.push(ask(client).then((end) => ({ client, atMs, tookMs: performance.now() - startedMs - atMs, ...end })));
      }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return Promise.all(told);
}

const goodPerSecond = (told: readonly Told[], fromMs: number, untilMs: number): number =>
  told.filter(({ refusal, atMs, tookMs }) => !refusal && atMs + tookMs >= fromMs && atMs + tookMs < untilMs).length /
  ((untilMs - fromMs) / 1_000);

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

const servers = [
  { server: 'bus', ask: overBus },
  { server: 'HTTP', ask: overHttp },
];

test.each(servers)(
  'five times what it can do, by $server: it goes on at its peak, and is well at once afterwards',
  async ({ server, ask }) => {
    const clients = new Map(Array.from({ length: 4 }, (_, n) => [`c${n}`, peakPerSecond / 4]));
    const times = (factor: number) => new Map([...clients].map(([client, share]) => [client, share * factor]));
    const full = await offer(ask, times(1.05), Math.max(2, seconds / 2));
    const peak = goodPerSecond(full, 500, Math.max(2, seconds / 2) * 1_000);
    measuredPeak = peak;
    const over = await offer(ask, times(5), seconds);
    const goodput = goodPerSecond(over, 500, seconds * 1_000);
    const after = await offer(ask, times(0.5), isLong ? 6 : 3);
    const isBad = ({ refusal, tookMs }: Told): boolean => refusal !== undefined || tookMs > 3 * callMs;
    const lastBadMs = Math.max(0, ...after.filter(isBad).map(({ atMs }) => atMs));
    const atTheEnd = after.slice(-Math.ceil(after.length / 4));
    const refused = over.filter(({ refusal }) => refusal !== undefined);
    const early = refused.filter(({ tookMs }) => tookMs < timeoutMs / 2);
    const told = refused.filter(({ retryAfterMs }) => retryAfterMs > 0);
    process.stdout.write(
      `${server}: ${slots} slots of ${callMs} ms, peak ${peak.toFixed(0)}/s; offered ${(over.length / seconds).toFixed(0)}/s: ` +
        `goodput ${goodput.toFixed(0)}/s (${((100 * goodput) / peak).toFixed(0)} %), ${refused.length} refused ` +
        `(${((100 * early.length) / Math.max(1, refused.length)).toFixed(0)} % within half their firstTokenTimeout, ` +
        `${((100 * told.length) / Math.max(1, refused.length)).toFixed(0)} % with Retry-After), ` +
        `well after ${(lastBadMs / 1_000).toFixed(1)} s; codes ${JSON.stringify(
          Object.fromEntries(
            Map.groupBy(refused, ({ refusal }) => refusal ?? '')
              .entries()
              .map(([code, ofCode]) => [code, ofCode.length]),
          ),
        )}\n`,
    );
    expect(goodput / peak).toBeGreaterThan(isLong ? 0.9 : 0.4);
    // The last quarter of what came afterwards is well but for what the machine itself delays.
    expect(atTheEnd.filter(isBad).length / atTheEnd.length).toBeLessThan(0.1);
  },
);

/** Of what it can do, by all twenty alike. */
const loads = isLong ? [0.6, 0.9] : [0.9];

test.each(servers.flatMap((server) => loads.map((load) => ({ ...server, load }))))(
  'one noisy client of twenty, by $server at $load of what it can do, hardly moves how long the others wait',
  async ({ server, ask, load }) => {
    const share = (load * measuredPeak) / 20;
    const quiet = Array.from({ length: 19 }, (_, n) => [`q${n}`, share] as const);
    const calm = waitsOf(isOther, await offer(ask, new Map([...quiet, ['noisy', share]]), seconds));
    const told = await offer(ask, new Map([...quiet, ['noisy', 4 * measuredPeak]]), seconds);
    const noisy = waitsOf(isOther, told);
    const own = waitsOf((client) => !isOther(client), told);
    process.stdout.write(
      `${server} at ${load}: the other nineteen waited p50 ${calm.p50} ms, p99 ${calm.p99} ms, ${calm.refused} % refused; ` +
        `with a noisy one p50 ${noisy.p50} ms, p99 ${noisy.p99} ms, ${noisy.refused} % refused, ` +
        `and itself p50 ${own.p50} ms, p99 ${own.p99} ms, ${own.refused} % refused\n`,
    );
    expect(own.refused).toBeGreaterThan(50);
    expect(noisy.refused).toBeLessThanOrEqual(calm.refused + (isLong ? 5 : 10));
    expect(noisy.p50).toBeLessThan(own.p50 / 2);
    // Where slots are free at other times, the least wait behind a noisy client is that for the next one to be freed.
    if (isLong) expect(noisy.p99).toBeLessThan(Math.max(1.5 * calm.p99, 1.5 * callMs));
  },
);

const isOther = (client: string): boolean => client !== 'noisy';

function waitsOf(
  whose: (client: string) => boolean,
  told: readonly Told[],
): { readonly p50: number; readonly p99: number; readonly refused: number } {
  const others = told.filter(({ client }) => whose(client));
  const waits = others.filter(({ refusal }) => !refusal).map(({ tookMs }) => Math.max(1, tookMs - callMs));
  return {
    p50: Math.round(percentile(waits, 0.5)),
    p99: Math.round(percentile(waits, 0.99)),
    refused: Math.round((100 * (others.length - waits.length)) / others.length),
  };
}
