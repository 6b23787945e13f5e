import { create, toBinary } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { type NatsServer, startNatsServer } from '@will/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bus, connectBus } from '../index.ts';
import { announce, watchProcesses } from './presence.ts';
import { processesBucket } from '../events/streams.ts';

let server: NatsServer;
let bus: Bus;

beforeAll(async () => {
  server = await startNatsServer();
  bus = await connectBus({ servers: server.url, processId: 'watcher', inboxScope: 'test' });
});
afterAll(async () => {
  vi.useRealTimers();
  await bus.close();
  await server.stop();
});

test('a process that falls silent is told as silent, one that says goodbye is not, and one that speaks again lives', async () => {
  const bucket = await processesBucket(bus);
  const speak = (processId: string, revision: bigint) =>
    bucket.put(
      processId,
      toBinary(wire.PresenceSchema, create(wire.PresenceSchema, { processId, service: 'policy', revision })),
    );
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const view = await watchProcesses(bus);
  try {
    const polite = await announce(bus, 'router', () => ({ revision: 1 }));
    await speak('frozen', 1n);
    await expect.poll(() => [...view.processes.keys()].sort()).toEqual(['frozen', 'watcher']);
    await polite.stop();
    await expect.poll(() => [...view.processes.keys()]).toEqual(['frozen']);
    vi.advanceTimersByTime(11_000);
    expect([view.processes.size, [...view.silent.keys()]]).toEqual([0, ['frozen']]);
    expect(view.silent.get('frozen')?.presence.revision).toBe(1n);
    await speak('frozen', 2n);
    await expect.poll(() => [...view.processes.keys()]).toEqual(['frozen']);
    expect(view.silent.size).toBe(0);
    vi.advanceTimersByTime(11_000);
    expect([...view.silent.keys()]).toEqual(['frozen']);
    vi.advanceTimersByTime(3_601_000);
    expect(view.silent.size).toBe(0);
  } finally {
    await view.stop();
  }
});
