import { chmod, copyFile, mkdir, rename } from 'node:fs/promises';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../errors.ts';
import { readManifest, writeManifest, type Manifest } from './manifest.ts';

const fileNames = ['registry.sqlite', 'telemetry.sqlite', 'tasks.sqlite'];

/** Copies the files of stores, each as of one instant, also while services use them. */
export async function backUpFiles(dataDir: string, folder: string): Promise<Manifest> {
  const present = fileNames.filter((name) => existsSync(join(dataDir, name)));
  if (present.length === 0) throw new StoreError('not_found', `${dataDir} holds none of ${fileNames.join(', ')}`);
  for (const name of present) copyDatabase(join(dataDir, name), join(folder, name));
  return writeManifest(folder, 'sqlite', present);
}

/** Readers do not wait for a writer, nor a writer for them. */
function copyDatabase(from: string, to: string): void {
  const database = new DatabaseSync(from, { readOnly: true });
  try {
    database.prepare('VACUUM INTO ?').run(to);
  } finally {
    database.close();
  }
  chmodSync(to, 0o600);
  dropContent(to);
}

/** What was said in calls is kept for a short time only, so it is not in a backup. */
function dropContent(path: string): void {
  const copy = new DatabaseSync(path);
  try {
    if (!copy.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'contents'").get()) return;
    copy.exec('PRAGMA secure_delete = ON; DELETE FROM contents');
  } finally {
    copy.close();
  }
}

/** Puts the files back where there are none. Nothing that is there is touched. */
export async function restoreFiles(dataDir: string, folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder, 'sqlite');
  await mkdir(dataDir, { recursive: true });
  for (const { name } of manifest.files) {
    if (!fileNames.includes(name)) throw new StoreError('corrupt', `${name} must be one of ${fileNames.join(', ')}`);
    const taken = [name, `${name}-wal`, `${name}-shm`].find((part) => existsSync(join(dataDir, part)));
    if (taken)
      throw new StoreError('conflict', `${join(dataDir, taken)} is there; stop the services and move it away first`);
  }
  for (const { name } of manifest.files) {
    const draft = join(dataDir, `${name}.restoring`);
    await copyFile(join(folder, name), draft);
    // A copy has the rights of the file it was made from, which an older release left to everybody.
    await chmod(draft, 0o600);
    await rename(draft, join(dataDir, name));
  }
  return manifest;
}
