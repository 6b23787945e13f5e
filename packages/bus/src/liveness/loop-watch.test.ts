import { afterEach, expect, test } from 'vitest';
import { LoopWatch } from './loop-watch.ts';

let watch: LoopWatch;
afterEach(() => watch.stop());

/** A watch whose clock the test moves; its own timer sees no time pass. */
function watchAt() {
  const clock = { nowMs: 1_000 };
  watch = new LoopWatch(() => clock.nowMs);
  return clock;
}

test('a standstill is found by the first question after it, before any timer fires', () => {
  const clock = watchAt();
  expect(watch.stoodStillMs()).toBe(0);
  clock.nowMs += 16_000;
  expect(watch.stoodStillMs()).toBeGreaterThan(15_900);
});

test('a standstill counts for what is read right after it, also when a timer fired first', () => {
  const clock = watchAt();
  clock.nowMs += 700;
  watch.tick();
  clock.nowMs += 15;
  watch.tick();
  expect(watch.stoodStillMs()).toBe(650);
  clock.nowMs += 150;
  watch.tick();
  // The delay of its own that this tick showed is shorter.
  expect(watch.stoodStillMs()).toBe(100);
  for (let n = 0; n < 10; n += 1) {
    clock.nowMs += 20;
    watch.tick();
  }
  expect(watch.stoodStillMs()).toBe(0);
});

test('the longest delay is told once', () => {
  const clock = watchAt();
  clock.nowMs += 350;
  watch.tick();
  clock.nowMs += 70;
  watch.tick();
  expect(watch.takeMaxDelayMs()).toBe(300);
  expect(watch.takeMaxDelayMs()).toBe(0);
});

test('the caller that asks beside is told the longest delay of its own time', () => {
  const clock = watchAt();
  const beside = watch.beside();
  clock.nowMs += 350;
  expect(watch.takeMaxDelayMs()).toBe(300);
  clock.nowMs += 70;
  expect([watch.takeMaxDelayMs(), beside.takeMaxDelayMs(), beside.takeMaxDelayMs()]).toEqual([20, 300, 0]);
});
