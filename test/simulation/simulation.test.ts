import { expect, test } from 'vitest';
import { worlds } from './worlds.ts';

// The product's own code in virtual time, under faults drawn by a seed. `WILL_SIMULATION_SEEDS` sets how many of each world;
// `npm run simulate:faults -- --from S --seeds 1` repeats one, and tells what happened.

const seeds = Number(process.env['WILL_SIMULATION_SEEDS'] ?? 60);

for (const [name, { promises, simulate }] of Object.entries(worlds)) {
  test(
    `${promises} (${name}, ${seeds} seeds)`,
    async () => {
      for (let seed = 1; seed <= seeds; seed += 1) await simulate(seed);
      expect(seeds).toBeGreaterThan(0);
    },
    30_000 + seeds * 500,
  );
}
