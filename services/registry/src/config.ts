import { busSettings, integer, optionalText, parseSettings, text } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    /** The store is the file registry.sqlite in it. */
    dataDir: ['WILL_DATA_DIR', text('.will')],
    /** Takes the place of the file. */
    mongodbUri: ['WILL_MONGODB_URI', optionalText],
    /** Documents that were not confirmed for so long are stale; the same for all services. */
    staleAfterMs: ['WILL_STALE_AFTER_MS', integer(15_000, 1_000, 3_600_000)],
    /** Folder of documents, or one file, that an empty store is filled from; absent: it stays empty. */
    documents: ['WILL_DOCUMENTS', optionalText],
  });
