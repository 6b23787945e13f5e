import { contained } from './contained.ts';

/** Does something again and again, never twice at once; a failure is told and the next turn comes all the same. */
export function repeat(
  everyMs: number,
  turn: () => Promise<void>,
  onError: (what: string, error: unknown) => void,
): { stop(): Promise<void> } {
  let running: Promise<void> | undefined;
  const turnOnce = (): void => {
    running ??= turn()
      .catch((error: unknown) => onError('a turn failed', error))
      .finally(() => {
        running = undefined;
      });
  };
  const timer = setInterval(contained(turnOnce), everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
