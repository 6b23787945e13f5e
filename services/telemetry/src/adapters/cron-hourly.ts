import cron from 'node-cron';

/** Does something at the seventh minute of each hour, never twice at once. Returns how to stop; waits for what runs. */
export function hourly(
  turn: () => Promise<void>,
  onError: (what: string, error: unknown) => void,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const task = cron.schedule(
    '7 * * * *',
    () => {
      running ??= turn()
        .catch((error: unknown) => onError('the hourly turn failed', error))
        .finally(() => {
          running = undefined;
        });
    },
    { unref: true, suppressMissedWarning: true },
  );
  return async () => {
    await task.destroy();
    await running;
  };
}
