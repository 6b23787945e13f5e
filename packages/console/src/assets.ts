import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the console as it is served. */
export interface Asset {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** Its name holds a digest of it, so that it never changes. */
  readonly isHashed: boolean;
  /** `gzip`; absent: as it is. */
  readonly encoding?: string;
}

/** The folder of the built console. */
export const assetsFolder = fileURLToPath(new URL('../dist/site', import.meta.url));

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Files of the console by the path they are served at; none: it was not built. */
export async function readAssets(folder: string = assetsFolder): Promise<ReadonlyMap<string, Asset>> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.gz'));
  return new Map(
    await Promise.all(
      files.map(async (name): Promise<[string, Asset]> => {
        const path = name.slice(0, -'.gz'.length);
        const asset = {
          bytes: await readFile(join(folder, name)),
          contentType: contentTypes[extname(path)] ?? 'application/octet-stream',
          isHashed: /-[A-Z0-9]{8}\./.test(path),
          encoding: 'gzip',
        };
        return [`/${path}`, asset];
      }),
    ),
  );
}
