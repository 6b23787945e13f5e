import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../errors.ts';

/** A file of a backup with its size and digest. */
export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The contents of a backup. It is written last: a folder without one is a backup that was not finished. */
export interface Manifest {
  readonly format: 1;
  readonly from: 'sqlite' | 'mongodb';
  readonly madeAt: string;
  readonly files: readonly BackupFile[];
}

const manifestName = 'manifest.json';

/** Describes a file of a backup. */
export async function describe(folder: string, name: string): Promise<BackupFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(join(folder, name)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { name, bytes, sha256: hash.digest('hex') };
}

/** Writes the list of a backup's files. */
export async function writeManifest(
  folder: string,
  from: Manifest['from'],
  names: readonly string[],
): Promise<Manifest> {
  const files: BackupFile[] = [];
  for (const name of names) files.push(await describe(folder, name));
  const manifest: Manifest = { format: 1, from, madeAt: new Date().toISOString(), files };
  await writeFile(join(folder, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
  return manifest;
}

/** Reads what a backup is of, and that every file is whole. @throws {StoreError} */
export async function readManifest(folder: string, wanted: Manifest['from']): Promise<Manifest> {
  const manifest = await parseManifest(join(folder, manifestName));
  if (manifest.from !== wanted)
    throw new StoreError(
      'conflict',
      `${folder} is a backup of ${manifest.from}; it goes back into ${manifest.from} only`,
    );
  for (const expected of manifest.files) {
    const found = await describe(folder, expected.name).catch(() => undefined);
    if (found?.sha256 !== expected.sha256)
      throw new StoreError('corrupt', `${join(folder, expected.name)} is not the file that was backed up`);
  }
  return manifest;
}

async function parseManifest(path: string): Promise<Manifest> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new StoreError('not_found', `${path} cannot be read: no backup, or one that was not finished`, { cause });
  });
  const manifest = JSON.parse(text) as Manifest;
  if (manifest.format !== 1)
    throw new StoreError('unavailable', `${path} has format ${String(manifest.format)}; this release knows 1`);
  return manifest;
}
