import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Something that must not be found, under the name that a find is told by. */
export interface Canary {
  readonly name: string;
  readonly text: string;
}

export interface Find {
  readonly canary: string;
  readonly form: string;
  readonly place: string;
}

/** Finds canaries as they are and in the disguises that text takes on its way through programs. */
export class SecretScan {
  readonly finds: Find[] = [];
  bytesRead = 0;
  readonly #needles: readonly { readonly canary: string; readonly form: string; readonly bytes: Buffer }[];

  constructor(canaries: readonly Canary[]) {
    this.#needles = canaries.flatMap(({ name, text }) =>
      Object.entries(formsOf(text)).map(([form, bytes]) => ({ canary: name, form, bytes: Buffer.from(bytes) })),
    );
  }

  scan(place: string, content: Uint8Array | string): void {
    const bytes = Buffer.from(content as string);
    this.bytesRead += bytes.length;
    for (const { canary, form, bytes: needle } of this.#needles)
      if (bytes.includes(needle)) this.finds.push({ canary, form, place });
  }

  /** Every file below a folder; `leaveOut` names those that may hold what is looked for. */
  async scanBelow(folder: string, leaveOut: RegExp): Promise<number> {
    let files = 0;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || leaveOut.test(path)) continue;
      this.scan(path, await readFile(path));
      files += 1;
    }
    return files;
  }

  /** Command lines of processes. */
  async scanCommandLines(pids: readonly number[]): Promise<void> {
    for (const pid of pids) this.scan(`command line of ${pid}`, await readFile(`/proc/${pid}/cmdline`).catch(() => ''));
  }
}

function formsOf(text: string): Record<string, string> {
  const bytes = Buffer.from(text);
  const escaped = [...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  return {
    raw: text,
    'as a URL': encodeURIComponent(text),
    'escaped in JSON': JSON.stringify(text).slice(1, -1),
    'escaped letter by letter': escaped,
    hex: bytes.toString('hex'),
    'hex in capitals': bytes.toString('hex').toUpperCase(),
    ...Object.fromEntries([0, 1, 2].map((offset) => [`base64 from ${offset}`, base64At(bytes, offset)])),
    ...Object.fromEntries(
      [0, 1, 2].map((offset) => [
        `base64url from ${offset}`,
        base64At(bytes, offset).replaceAll('+', '-').replaceAll('/', '_'),
      ]),
    ),
  };
}

/** The letters that stay the same whatever stands around the bytes, when they begin so far into a group of three. */
function base64At(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  return encoded.slice(offset === 0 ? 0 : offset + 1, -2);
}
