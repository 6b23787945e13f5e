import { createHmac } from 'node:crypto';
import { resolveReference } from '@will/runtime';
import type { wire } from '@will/contracts';
import type { Deliver } from './budget-alerts.ts';

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** A receiver that takes longer has not taken it. */
const within = { headersTimeoutMs: 10_000, idleTimeoutMs: 10_000 };

/** Posts an alert as Standard Webhooks say. Redirects are not followed, and no cloud's metadata service is called. */
export const webhook =
  (nowMs: () => number): Deliver =>
  async ({ url, secret }, alert) => {
    const body = JSON.stringify(bodyOf(alert));
    try {
      const headers = { 'content-type': 'application/json', ...signed(alert.id, body, secret, nowMs()) };
      const answer = await posted(new URL(url), headers, body);
      if (typeof answer === 'string') return `the webhook cannot be reached (${answer})`;
      return isSuccess(answer) ? undefined : `the webhook answered ${answer}`;
    } catch (error) {
      return (error as Error).message;
    }
  };

/** The status of the answer, or the network's code for why there is none. @throws {Error} the address may not be called. */
async function posted(
  { origin, pathname, search }: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<number | string> {
  // Loaded where it is needed: most installations tell no webhook.
  const { openEgress } = await import('@will/providers');
  const egress = openEgress(origin, 'any');
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const request = { method: 'POST' as const, path: pathname + search, headers, body, ...within };
  const sent = egress.send(request, {
    started: resolve,
    data: () => {},
    ended: () => {},
    failed: resolve,
  });
  try {
    return await promise;
  } finally {
    sent.abort();
    await egress.close();
  }
}

/** What is told: amounts of money in whole nano-dollars, as text where a JSON reader would round them. */
const bodyOf = (alert: wire.BudgetAlert): object => ({
  type: 'budget.threshold_reached',
  timestamp: iso(alert.reachedUnixMs),
  data: {
    [alert.scope]: alert.slug,
    threshold: alert.threshold === 'exhausted' ? alert.threshold : `${alert.threshold} %`,
    metric: alert.metric,
    used: String(alert.used),
    budget: String(alert.most),
    period: alert.period,
    period_starts_at: iso(alert.periodStartsUnixMs),
    period_ends_at: iso(alert.periodEndsUnixMs),
  },
});
const iso = (unixMs: bigint): string => new Date(Number(unixMs)).toISOString();

/** HMAC-SHA-256 of id, instant and body. The id is the same at each attempt. @throws {SecretError} */
function signed(id: string, body: string, reference: string, nowMs: number): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(nowMs / 1_000));
  const key = keyOf(resolveReference(reference).reveal());
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
}

const keyOf = (secret: string): Buffer =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
