import { optionalText, parseSettings, text } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    natsUrl: ['NATS_URL', text('nats://127.0.0.1:4222')],
    /** Holds the call log as `telemetry.sqlite`. */
    dataDir: ['WILL_DATA_DIR', text('.will')],
    /** Takes the place of the file. */
    mongodbUri: ['WILL_MONGODB_URI', optionalText],
  });
