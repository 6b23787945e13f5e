import { jetstreamManager } from '@nats-io/jetstream';
import { names } from '@will/contracts';
import type { Bus } from './api.ts';

export interface ServerClock {
  /** UTC milliseconds by the bus server's clock, as all processes see it. */
  nowMs(): number;
  stop(): void;
}

const lookEveryMs = 60_000;

/**
 * Follows the server's clock: what must begin and end for all processes at the same instant goes by it. Between looks the
 * process's monotonic clock counts on, so that a machine whose clock is set does not jump.
 */
export async function followServerClock(bus: Bus): Promise<ServerClock> {
  const manager = await jetstreamManager(bus.connection);
  let aheadMs = Date.now() - performance.now();
  const look = async (): Promise<void> => {
    const askedMs = performance.now();
    const info = (await manager.streams.info(names.eventsStream)) as { readonly ts?: string };
    const answeredMs = performance.now();
    const serverMs = Date.parse(info.ts ?? '');
    if (!Number.isNaN(serverMs)) aheadMs = serverMs - (askedMs + answeredMs) / 2;
  };
  await look();
  const timer = setInterval(() => void look().catch(() => {}), lookEveryMs);
  timer.unref();
  return { nowMs: () => performance.now() + aheadMs, stop: () => clearInterval(timer) };
}
