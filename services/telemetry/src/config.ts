import { busSettings, integer, optionalText, parseSettings, text } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    /** Holds the call log as `telemetry.sqlite`. */
    dataDir: ['WILL_DATA_DIR', text('.will')],
    /** Takes the place of the file. */
    mongodbUri: ['WILL_MONGODB_URI', optionalText],
    /** Signs reports of `willm prove`; default: `proof-key.pem` in the data folder. Made where there is none. */
    proofKeyFile: ['WILL_PROOF_KEY_FILE', optionalText],
    /** How long calls, decisions and their sets are kept. */
    logDays: ['WILL_LOG_DAYS', integer(30, 1, 3_650)],
    /** The oldest go when the log takes more; 0: no limit. */
    logMaxMb: ['WILL_LOG_MAX_MB', integer(10_240, 0, 100_000_000)],
    /** How long sums of calls are kept. */
    usageDays: ['WILL_USAGE_DAYS', integer(730, 1, 36_500)],
  });
