import { busSettings, optionalText, parseSettings, text } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    /** The store is the file registry.sqlite in it. */
    dataDir: ['WILL_DATA_DIR', text('.will')],
    /** Takes the place of the file. */
    mongodbUri: ['WILL_MONGODB_URI', optionalText],
    /** Folder of documents, or one file, that an empty store is filled from; absent: it stays empty. */
    documents: ['WILL_DOCUMENTS', optionalText],
  });
