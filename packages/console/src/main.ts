// `npm run console`: builds the console, and says what it weighs.
import { assetsFolder } from './assets.ts';
import { buildConsole } from './build.ts';

const { gzipBytes, firstLoadBytes } = await buildConsole();
const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} KB`;
process.stdout.write(`${gzipBytes.size} files in ${assetsFolder}; first load ${kilobytes(firstLoadBytes)} gzip\n`);
