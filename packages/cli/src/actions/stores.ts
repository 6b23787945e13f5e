import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backUpStores, restoreStores, StoreError, type Manifest, type StoreSettings } from '@will/store';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { working } from '../working.ts';

const repository = fileURLToPath(new URL('../../../..', import.meta.url));

interface Options {
  readonly json?: boolean;
}

/** `willm backup`: copies every store into a folder. It goes to the stores themselves, not over the bus. */
export const backUp = (terminal: Terminal, folder: string, options: Options): Promise<ExitCode> =>
  told(terminal, options, 'backed up to', folder, () =>
    working(terminal, 'copying the stores', () => backUpStores(settingsOf(terminal), folder)),
  );

/** `willm restore`: puts a backup where there are no stores yet. */
export const restore = (terminal: Terminal, folder: string, options: Options): Promise<ExitCode> =>
  told(terminal, options, 'restored from', folder, () =>
    working(terminal, 'putting the stores back', () => restoreStores(settingsOf(terminal), folder)),
  );

/** What the services read too. */
const settingsOf = ({ env }: Terminal): StoreSettings => ({
  dataDir: env['WILL_DATA_DIR'] || join(repository, '.will'),
  mongodbUri: env['WILL_MONGODB_URI'] || undefined,
});

async function told(
  terminal: Terminal,
  options: Options,
  done: string,
  folder: string,
  work: () => Promise<Manifest>,
): Promise<ExitCode> {
  try {
    const manifest = await work();
    if (options.json) printJson(terminal, manifest);
    else for (const { name, bytes } of manifest.files) terminal.out(`${name} (${bytes} bytes) ${done} ${folder}\n`);
    return exitCodes.success;
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    throw new CliError(exitCodes.failed, cause.message, { cause });
  }
}
