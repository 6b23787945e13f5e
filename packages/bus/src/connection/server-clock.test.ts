import { startNatsServer, type NatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bus } from '../api.ts';
import { connectBus } from './connect.ts';
import { followServerClock } from './server-clock.ts';
import { ensureStreams } from '../events/streams.ts';

let server: NatsServer;
let bus: Bus;

beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ servers: server.url, processId: 'clock-test', inboxScope: 'router' });
  await ensureStreams(bus);
});
afterAll(async () => {
  await bus?.close();
  await server?.stop();
});

test('the clock of the bus is known with its bound, and known anew after the server was restarted', async () => {
  const clock = await followServerClock(bus);
  try {
    expect(await clock.untilBound(10_000)).toBe(true);
    // Server and test share a machine: what parts the two clocks is what the bound allows.
    expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThanOrEqual((clock.boundMs() ?? 0) + 2);
    const back = Promise.withResolvers<void>();
    const boundsAtReturn: (number | undefined)[] = [];
    bus.onConnectionChange((isConnected) => {
      if (!isConnected) return;
      boundsAtReturn.push(clock.boundMs());
      back.resolve();
    });
    await server.restart();
    await back.promise;
    expect(boundsAtReturn).toEqual([undefined]);
    expect(await clock.untilBound(10_000)).toBe(true);
  } finally {
    clock.stop();
  }
});
