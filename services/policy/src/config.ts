import { integer, optionalText, parseSettings, text } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    natsUrl: ['NATS_URL', text('nats://127.0.0.1:4222')],
    /** Seed of this service's user; absent: the bus has no users. */
    natsSeedFile: ['NATS_SEED_FILE', optionalText],
    /** Modules of which one may bring a ranking: packages by name, files by path, comma separated. */
    extensions: ['WILL_EXTENSIONS', optionalText],
    /** A registry that was silent for longer may have forbidden what this snapshot allows: then open data only. */
    staleAfterMs: ['WILL_STALE_AFTER_MS', integer(15_000, 1_000, 3_600_000)],
  });
