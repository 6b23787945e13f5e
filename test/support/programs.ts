import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Folder of what `bundled-programs.ts` built. Unset, as in every command beside the tests: the sources themselves run. */
export const bundlesVariable = 'WILL_TEST_BUNDLES';

/** Name of a service, or `willm` → its source. */
export const sourceOf = (name: string): string =>
  join(root, name === 'willm' ? 'packages/cli/src/main.ts' : `services/${name}/src/main.ts`);

/** The file that Node runs for a service, or for `willm`. */
export function programOf(name: string): string {
  const bundled = join(process.env[bundlesVariable] ?? '', `${name}.mjs`);
  return process.env[bundlesVariable] !== undefined && existsSync(bundled) ? bundled : sourceOf(name);
}

/** Where Node keeps what it compiled of the programs; a data folder of a test is gone after it. */
export const compileCache = (): string =>
  join(process.env[bundlesVariable] ?? join(root, 'node_modules/.cache'), 'will-compiled');
