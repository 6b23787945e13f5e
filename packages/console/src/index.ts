import type { BuiltConsole } from './build.ts';

export { type Asset, assetsFolder, readAssets } from './assets.ts';
export type { BuiltConsole } from './build.ts';

/** Builds the console into a folder. Who only serves it does not load the bundler. */
export const buildConsole = async (folder?: string): Promise<BuiltConsole> =>
  (await import('./build.ts')).buildConsole(folder);
