import cron from 'node-cron';

/** Calls back at every time of a cron pattern with seconds. A time that was slept through is left out. */
export function lookBySchedule(pattern: string): (look: () => void) => { stop(): void } {
  return (look) => {
    const task = cron.schedule(pattern, look, { unref: true, suppressMissedWarning: true });
    return { stop: () => void task.destroy() };
  };
}

export const isCronPattern = (pattern: string): boolean => cron.validate(pattern);
