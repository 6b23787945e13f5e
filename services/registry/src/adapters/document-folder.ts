import { readFile, stat } from 'node:fs/promises';
import { isDocumentFile } from '@will/contracts';
import { readFolder } from '@will/store';
import type { DocumentText } from '../ports.ts';

/**
 * The documents of a folder and those below it, by name; or one file. Files that are neither YAML, JSON nor in the
 * specification's notation are passed over, and so are hidden ones.
 * @throws {Error} the folder cannot be read; the message says which.
 */
export async function readDocumentFolder(folder: string): Promise<readonly DocumentText[]> {
  try {
    if ((await stat(folder)).isFile()) return [{ path: folder, text: await readFile(folder, 'utf8') }];
    return (await readFolder(folder)).filter(({ path, text }) => isDocumentFile(path, text));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new Error(`WILL_DOCUMENTS ${JSON.stringify(folder)} cannot be read (${code}); name a folder of documents`, {
      cause,
    });
  }
}
