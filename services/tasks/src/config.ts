import { busSettings, integer, optionalText, parseSettings, text } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    /** Holds the tasks as `tasks.sqlite`; not used with MongoDB. */
    dataDir: ['WILL_DATA_DIR', text('.will')],
    /** Takes the place of the file, and lets several processes of this service work side by side. */
    mongodbUri: ['WILL_MONGODB_URI', optionalText],
    /** How many durable tasks run at once. */
    atOnce: ['WILL_TASKS_AT_ONCE', integer(32, 4, 1_024)],
    /** How long tasks that run may take after SIGTERM. */
    drainMs: ['WILL_DRAIN_MS', integer(120_000, 0, 600_000)],
  });
