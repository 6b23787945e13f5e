import { eventTimeoutMs } from './event-timeout-ms.ts';

/** Resolves once something holds; asks every 50 ms. @throws {Error} it still does not after `withinMs`, default five minutes */
export async function until(holds: () => Promise<boolean>, what: string, withinMs = eventTimeoutMs): Promise<void> {
  const giveUpMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > giveUpMs) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
