import { busSettings, integer, parseSettings } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    /** Tasks in flight at once; one more is refused as overloaded. */
    maxTasks: ['WILL_ROUTER_MAX_TASKS', integer(10_000, 1, 1_000_000)],
    /** How long tasks in flight may take after SIGTERM. */
    drainMs: ['WILL_DRAIN_MS', integer(120_000, 0, 600_000)],
  });
