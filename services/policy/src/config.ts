import { busSettings, integer, optionalText, parseSettings } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    /** Modules of which one may bring a ranking: packages by name, files by path, comma separated. */
    extensions: ['WILL_EXTENSIONS', optionalText],
    /** A registry that was silent for longer may have forbidden what this snapshot allows: then open data only. */
    staleAfterMs: ['WILL_STALE_AFTER_MS', integer(15_000, 1_000, 3_600_000)],
  });
