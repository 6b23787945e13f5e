import { mkdir, readdir } from 'node:fs/promises';
import { StoreError } from '../errors.ts';
import type { StoreSettings } from '../open.ts';
import type { Manifest } from './manifest.ts';
import { backUpFiles, restoreFiles } from './sqlite.ts';

/** Copies every store of an installation into a new or empty folder. @throws {StoreError} */
export async function backUpStores({ dataDir, mongodbUri }: StoreSettings, folder: string): Promise<Manifest> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw new StoreError('conflict', `${folder} is not empty`);
  if (mongodbUri === undefined) return backUpFiles(dataDir, folder);
  return (await import('./mongodb.ts')).backUpMongo(mongodbUri, folder);
}

/** Puts a backup into an installation that has no stores yet. Newer releases bring them up to date. @throws {StoreError} */
export async function restoreStores({ dataDir, mongodbUri }: StoreSettings, folder: string): Promise<Manifest> {
  if (mongodbUri === undefined) return restoreFiles(dataDir, folder);
  return (await import('./mongodb.ts')).restoreMongo(mongodbUri, folder);
}
