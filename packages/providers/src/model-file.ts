import { availableParallelism } from 'node:os';
import { isAbsolute, relative, resolve } from 'node:path';
import { ProviderConfigError } from './port.ts';

/**
 * The place of a document's file: as it stands where absolute, else within a folder.
 * @throws {ProviderConfigError} a relative path leads out of the folder.
 */
export function pathWithin(folder: string, path: string): string {
  if (isAbsolute(path)) return path;
  const full = resolve(folder, path);
  if (relative(folder, full).startsWith('..'))
    throw new ProviderConfigError(`local.path ${path} must stay within the data folder, or be absolute`);
  return full;
}

/** Threads of a model where no setting says otherwise. */
export const defaultThreads = (): number => Math.max(1, Math.floor(availableParallelism() / 2));
