import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** From now on, files and folders that this process and its children make are their owner's alone. */
export const makeFilesPrivate = (): void => void process.umask(0o077);

const othersBits = 0o077;

/** What the services keep in their data folder. Another file there may be somebody else's, and is left alone. */
const ours =
  /^((registry|telemetry|tasks)\.sqlite(\.lock)?(-wal|-shm|-journal|\.restoring)?|audit(-[\w-]+)?\.jsonl?|run\.json|proof-key\.pem|start\.pid|\.probe-\d+|logs|nats|models|bus|compile-cache|backups?)$/;

/**
 * Takes the rights of group and others from what the services keep in a data folder, and from the folder itself when
 * nothing else is in it. Links are left alone, and files with another name elsewhere. A file that cannot be changed is left.
 * @returns how many files and folders were changed
 */
export async function closeDataFolder(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  let changed = 0;
  for (const name of names) if (ours.test(name)) changed += await close(join(folder, name));
  return changed + (names.every((name) => ours.test(name)) ? await closeOne(folder) : 0);
}

async function close(path: string): Promise<number> {
  const isFolder = (await lstat(path).catch(() => undefined))?.isDirectory();
  let changed = await closeOne(path);
  if (isFolder) for (const name of await readdir(path).catch(() => [])) changed += await close(join(path, name));
  return changed;
}

async function closeOne(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (!found || (found.mode & othersBits) === 0 || isElsewhereToo(found)) return 0;
  return chmod(path, found.mode & 0o7777 & ~othersBits).then(
    () => 1,
    () => 0,
  );
}

/** The first model is a link to a file that belongs to the cache. */
const isElsewhereToo = (found: { isFile(): boolean; isDirectory(): boolean; readonly nlink: number }): boolean =>
  !found.isDirectory() && (!found.isFile() || found.nlink > 1);
