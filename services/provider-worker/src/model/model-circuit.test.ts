import type { Model } from '@will/core';
import { expect, test } from 'vitest';
import { ModelCircuit, trialRetryMs } from './model-circuit.ts';

test('while NATS is not connected no call is the trial call, and each waits as for a trial call elsewhere', async () => {
  const told: unknown[] = [];
  const away = new Error('NATS is not connected');
  const circuit = new ModelCircuit(
    {
      cooldowns: {
        untilMs: new Map(),
        cooldownOf: () => ({ untilMs: 900, reason: 'it failed', timesOpened: 1 }),
        rest: () => Promise.reject(away),
        acquireTrial: () => Promise.reject(away),
        releaseTrial: () => Promise.reject(away),
        recover: () => Promise.reject(away),
        endEarly: () => Promise.reject(away),
        onChange: () => () => {},
      } as never,
      nowMs: () => 1_000,
      draw: () => 0.5,
      sharers: () => [],
      onChange: () => {},
      onError: (_, error) => told.push(error),
    },
    () => ({ slug: 'narrow', document: {} }) as Model,
  );
  await expect(circuit.requestTrial()).resolves.toEqual({
    reason: 'the trial call after its cooldown is under way',
    untilMs: 1_000 + trialRetryMs,
  });
  expect(told).toEqual([away]);
  circuit.close();
});
