import { test } from 'vitest';
import { countFaulted } from './faulted-calls.ts';
import { netWorlds } from './net-worlds.ts';

// A few faults of `npm run net-faults`: the one that loses a connection loses no answer, and nothing is paid twice.

test.concurrent.for(['worker cut off as a slow consumer', 'connection of a worker reset'])(
  'no provider is called twice for a task: %s',
  // A machine that keeps a worker from its processor for longer than a reconnect takes makes it look dead (docs/STATUS.md).
  { retry: 1 },
  async (name, { expect }) => {
    const world = await netWorlds[name]?.();
    expect(world).toBeDefined();
    if (!world) return;
    try {
      const result = await countFaulted(world, { calls: 60, lanes: 40 });
      expect(result).toMatchObject({ secondCalls: 0, errors: new Map() });
      expect(result.faulted).toBeGreaterThanOrEqual(60);
      expect(result.answered).toBe(result.tasks);
    } finally {
      await world.stop();
    }
  },
);
