import type { Bus } from '../api.ts';
import type { LoopWatch } from '../liveness/loop-watch.ts';

/** A standstill of this process or of the server that is longer makes silence mean nothing. */
const maxStandstillMs = 100;

/**
 * Tells whether silence of others means something: the server answers at once, and this process did not stand still.
 * What the server had for this process before is received by then. Never rejects.
 */
export function serverTouch(bus: Bus, loop: Pick<LoopWatch, 'stoodStillMs'>): () => Promise<boolean> {
  let asking: Promise<boolean> | undefined;
  const ask = async (): Promise<boolean> => {
    const askedMs = performance.now();
    if (!bus.isConnected || loop.stoodStillMs() > maxStandstillMs) return false;
    // The answer comes after all that the server had for this process before.
    await bus.connection.flush().catch(() => {});
    return bus.isConnected && performance.now() - askedMs < maxStandstillMs && loop.stoodStillMs() <= maxStandstillMs;
  };
  return () =>
    (asking ??= ask().finally(() => {
      asking = undefined;
    }));
}
