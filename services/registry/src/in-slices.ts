import { setImmediate } from 'node:timers/promises';

/** After so long other work gets its turn. */
const sliceMs = 20;

/** Runs steps to their end without keeping the process from its other work. */
export async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  for (let beganAtMs = performance.now(); ; ) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - beganAtMs < sliceMs) continue;
    await setImmediate();
    beganAtMs = performance.now();
  }
}
