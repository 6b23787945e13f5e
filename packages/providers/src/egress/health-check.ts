import type { Health } from '../port.ts';
import type { Egress } from './index.ts';

const healthCheckTimeoutMs = 5_000;

/** Asks for a list that costs nothing and checks the status. Never throws. */
export function checkHealthByGet(
  egress: Egress,
  path: string,
  headers: Readonly<Record<string, string>>,
  isUsable: (status: number) => boolean,
  signal: AbortSignal,
): Promise<Health> {
  return new Promise((resolve) => {
    const request = {
      method: 'GET' as const,
      path,
      headers,
      headersTimeoutMs: healthCheckTimeoutMs,
      idleTimeoutMs: healthCheckTimeoutMs,
    };
    const sent = egress.send(request, {
      started: (status) => resolve({ healthy: isUsable(status), detail: `the endpoint answers with ${status}` }),
      data() {},
      ended() {},
      failed: (code) => resolve({ healthy: false, detail: `the endpoint does not answer (${code})` }),
    });
    const onAbort = (): void => {
      sent.abort();
      resolve({ healthy: false, isSilent: true, detail: 'the endpoint does not answer in time' });
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
