import { busSettings, integer, optionalText, parseSettings } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    /** Modules of which one may bring a ranking: packages by name, files by path, comma separated. */
    extensions: ['WILL_EXTENSIONS', optionalText],
    /** A snapshot that was not confirmed for longer may allow what is forbidden by now: then only what no rule restricts. */
    staleAfterMs: ['WILL_STALE_AFTER_MS', integer(15_000, 1_000, 3_600_000)],
  });
