import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectBus, openAlerts, type AlertBucket } from '@will/bus';
import { newId } from '@will/contracts';
import { type AnyDocument, alertRetryMs, compileSnapshot, maxAlertAttempts, periodAt, type Limit } from '@will/core';
import { type NatsServer, startNatsServer } from '@will/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { LimitState } from '../ledger.ts';
import { BudgetAlerts, type DeliveryResult } from './budget-alerts.ts';
import { webhook } from './webhook.ts';

const secretName = 'WILL_TEST_WEBHOOK_SECRET';
const secretBytes = Buffer.from('a secret of the webhook');
const hourMs = 3_600_000;
const beginMs = Date.UTC(2026, 10, 28, 12);

let nats: NatsServer;
const opened: (() => unknown)[] = [];
beforeAll(async () => {
  process.env[secretName] = `whsec_${secretBytes.toString('base64')}`;
  nats = await startNatsServer();
});
afterAll(async () => {
  delete process.env[secretName];
  await nats.stop();
});
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Told {
  readonly id: string;
  readonly isSigned: boolean;
  readonly body: { readonly data: Readonly<Record<string, string>> };
}

/** A receiver that can be killed and started anew on the same port. */
class Receiver {
  readonly told: Told[] = [];
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/alerts`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#take(request, response));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature } = request.headers;
    const own = createHmac('sha256', secretBytes)
      .update(`${String(id)}.${String(seconds)}.${body}`)
      .digest('base64');
    this.told.push({ id: String(id), isSigned: signature === `v1,${own}`, body: JSON.parse(body) as Told['body'] });
    response.writeHead(204, { connection: 'close' }).end();
  }

  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
}

const receiver = new Receiver();
const clock = { nowMs: beginMs };
const use = new Map<string, bigint>();
const results: DeliveryResult[] = [];
/** Each test has budgets of a client of its own, since the bucket is shared. */
let client = '';
beforeEach(async () => {
  client = `c${newId().toLowerCase().slice(0, 12)}`.replaceAll(/[^a-z0-9]/g, 'x');
  clock.nowMs = beginMs;
  use.clear();
  receiver.told.length = 0;
  results.length = 0;
  await receiver.start();
  opened.push(() => receiver.kill());
});

const limitOf = (period: 'day' | 'month'): Limit => ({
  scope: 'client',
  id: client,
  metric: 'nano_usd',
  period,
  zone: 'UTC',
  most: 1_000_000_000n,
  warnAt: 0.8,
});

const states = (): LimitState[] =>
  (['day', 'month'] as const).map((kind) => {
    const [limit, period] = [limitOf(kind), periodAt(kind, 'UTC', clock.nowMs)];
    return { limit, period, used: use.get(period.token) ?? 0n, warns: false };
  });

function snapshot() {
  const alerts = { url: receiver.url, secret: `env://${secretName}` };
  const body = { name: client, slug: client, budget: { daily: { usd: 1 }, monthly: { usd: 1 }, alerts } };
  const compiled = compileSnapshot(1, [{ kind: 'client', body } satisfies AnyDocument]);
  if ('problems' in compiled) throw new Error('a bad sample');
  return compiled.snapshot;
}

/** One replica of telemetry. */
async function replica(): Promise<BudgetAlerts & { readonly bucket: AlertBucket }> {
  const bus = await connectBus({ servers: nats.url, processId: `t-${newId()}`, inboxScope: 'test' });
  opened.push(() => bus.close());
  const bucket = await openAlerts(bus);
  opened.push(() => bucket.stop());
  const alerts = new BudgetAlerts({
    bucket,
    states,
    snapshot,
    deliver: webhook(() => clock.nowMs),
    nowMs: () => clock.nowMs,
    onDelivery: (result) => results.push(result),
  });
  return Object.assign(alerts, { bucket });
}

const spend = (nanoUsd: bigint): void => {
  for (const kind of ['day', 'month'] as const) {
    const { token } = periodAt(kind, 'UTC', clock.nowMs);
    use.set(token, (use.get(token) ?? 0n) + nanoUsd);
  }
};
const rejectedTask = () =>
  [{ status: 'BudgetExhausted', client, startedAtMs: clock.nowMs }] as unknown as Parameters<
    BudgetAlerts['rejected']
  >[0];
const thresholdsTold = (): string[] =>
  receiver.told.map(({ body: { data } }) => `${data['period']} ${data['threshold']}`).toSorted();

test('each threshold is told once per period, signed, by whichever replica sees it', async () => {
  const [one, two] = [await replica(), await replica()];
  for (const step of [79, 1, 14, 1, 5, 30]) {
    spend(BigInt(step) * 10_000_000n);
    await Promise.all([one.raise(), two.raise()]);
    if (step === 30) await Promise.all([one.rejected(rejectedTask()), two.rejected(rejectedTask())]);
    await vi.waitFor(() => expect(two.bucket.known.size).toBe(one.bucket.known.size));
    await Promise.all([one.deliver(), two.deliver()]);
  }
  await vi.waitFor(() => expect(receiver.told).toHaveLength(7));
  expect(thresholdsTold()).toEqual([
    'day 100 %',
    'day 80 %',
    'day 95 %',
    'day exhausted',
    'month 100 %',
    'month 80 %',
    'month 95 %',
  ]);
  expect(receiver.told.every(({ isSigned }) => isSigned)).toBe(true);
  expect(receiver.told[0]?.body.data).toMatchObject({ client, metric: 'nano_usd', budget: '1000000000' });
});

test('a receiver that is killed for an hour is told each threshold exactly once per period, also over a restart and midnight', async () => {
  clock.nowMs = Date.UTC(2026, 10, 28, 23, 30);
  const first = await replica();
  await receiver.kill();
  const downUntilMs = clock.nowMs + hourMs;
  const turn = async (alerts: BudgetAlerts): Promise<void> => {
    await alerts.raise();
    await alerts.deliver();
    clock.nowMs += 10_000;
  };
  spend(850_000_000n);
  while (clock.nowMs < downUntilMs - hourMs / 3) await turn(first);
  expect(results).not.toContain('delivered');
  // It dies; another one goes on from what is stored.
  const second = await replica();
  await vi.waitFor(() => expect(second.list().filter(({ slug }) => slug === client)).toHaveLength(2));
  spend(150_000_000n);
  while (clock.nowMs < downUntilMs) await turn(second);
  await second.rejected(rejectedTask());
  expect(receiver.told).toEqual([]);
  await receiver.start();
  while (second.list().some(({ slug, state }) => slug === client && state === 'pending')) await turn(second);
  const ids = receiver.told.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  // The day began anew at midnight, before the second half was spent.
  expect(thresholdsTold()).toEqual(['day 80 %', 'month 100 %', 'month 80 %', 'month 95 %', 'month exhausted']);
  expect(results.filter((result) => result === 'dead')).toEqual([]);
});

test('what cannot be delivered is dead in the end, is listed with its reason, and is tried again when asked', async () => {
  const alerts = await replica();
  await receiver.kill();
  const { bucket } = alerts;
  spend(800_000_000n);
  await alerts.raise();
  const mine = () => alerts.list().filter(({ slug }) => slug === client);
  for (const { alert } of [...bucket.known.values()].filter(({ alert: { slug } }) => slug === client)) {
    const kept = bucket.known.get(alert.id);
    if (kept) await bucket.replace(kept, { ...alert, attempts: maxAlertAttempts - 1 });
  }
  await alerts.deliver();
  expect(mine().map(({ state, lastError }) => [state, lastError])).toEqual([
    ['dead', 'the webhook cannot be reached (ECONNREFUSED)'],
    ['dead', 'the webhook cannot be reached (ECONNREFUSED)'],
  ]);
  await receiver.start();
  await alerts.deliver();
  expect(receiver.told).toEqual([]);
  for (const { id } of mine()) await alerts.retry(id);
  await alerts.deliver();
  expect(thresholdsTold()).toEqual(['day 80 %', 'month 80 %']);
  await expect(alerts.retry('nothing')).rejects.toThrow('no dead alert has the id "nothing"');
});

test('retries wait from a second to five minutes', () => {
  expect([1, 2, 3, 9, 10, 1_000].map(alertRetryMs)).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});
