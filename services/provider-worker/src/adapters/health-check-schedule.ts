import cron from 'node-cron';

/** Calls back at every time of a cron pattern with seconds. A time that was slept through is left out. */
export function scheduleHealthChecks(pattern: string): (check: () => void) => { stop(): void } {
  return (check) => {
    const task = cron.schedule(pattern, check, { unref: true, suppressMissedWarning: true });
    return { stop: () => void task.destroy() };
  };
}

export const isCronPattern = (pattern: string): boolean => cron.validate(pattern);
