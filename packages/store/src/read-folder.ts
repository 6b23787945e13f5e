import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

export interface ReadFile {
  readonly path: string;
  readonly text: string;
}

/**
 * The files of a folder and those below it, by path; links to files count as files. What is hidden, or lies in a hidden
 * folder, is passed over: Kubernetes keeps what it mounts a second time in `..data`.
 * @throws {Error} of the file system, where something cannot be read
 */
export async function readFolder(folder: string): Promise<readonly ReadFile[]> {
  const paths = (await readdir(folder, { recursive: true })).filter(isVisible).map((path) => join(folder, path));
  const read = await Promise.all(paths.sort().map(readIfFile));
  return read.filter((file) => file !== undefined);
}

/** Its own folder may be hidden: the path is the one within it. */
const isVisible = (path: string): boolean => path.split(sep).every((name) => !name.startsWith('.'));

async function readIfFile(path: string): Promise<ReadFile | undefined> {
  return (await stat(path)).isFile() ? { path, text: await readFile(path, 'utf8') } : undefined;
}
