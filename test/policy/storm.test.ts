import { expect, test } from 'vitest';
import { runStorm, shownFigures } from './storm.ts';

test('while processes stand still, end and documents change, no call is forbidden by all rules in force, and none begins for a task that is over', async () => {
  const figures = await runStorm({ worlds: 2, tasksPerWorld: 60, maxFreezeMs: 1_000, seed: 7_000 });
  process.stdout.write(`${JSON.stringify(shownFigures(figures))}\n`);
  expect(figures.forbidden.slice(0, 3)).toEqual([]);
  expect(figures.afterEnd.slice(0, 3)).toEqual([]);
  // It was a storm, and there was something to authorize.
  expect(figures.freezes).toBeGreaterThan(1);
  expect(figures.applies).toBeGreaterThan(1);
  expect(figures.calls).toBeGreaterThan(10);
});
