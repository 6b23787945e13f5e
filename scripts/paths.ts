import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** What was fetched once and can be fetched again. */
export const cacheDir = join(root, '.cache');
