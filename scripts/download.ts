import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { megabytes, messageOf, say } from './say.ts';

const firstByteMs = 8_000;
const idleMs = 20_000;

/**
 * Fetches a file whose SHA-256 is known, showing how far it came. It appears under its name only when it is whole.
 * @throws when the host does not answer within 8 s, is silent for 20 s, or sends anything else.
 */
export async function download(url: string, path: string, sha256: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await fetchInto(url, draft);
    const got = await sha256Of(draft);
    if (got !== sha256) throw new Error(`its SHA-256 is ${got}, not ${sha256}`);
    await rename(draft, path);
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : messageOf(cause);
    throw new Error(`${new URL(url).host}: ${reason}`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

async function fetchInto(url: string, path: string): Promise<void> {
  const retryOptions = new AbortController();
  const giveUp = (): void => retryOptions.abort(new Error('no answer in time'));
  let timer = setTimeout(giveUp, firstByteMs);
  const file = await open(path, 'w');
  try {
    const response = await fetch(url, { signal: retryOptions.signal });
    if (!response.ok || !response.body) throw new Error(`it answered ${response.status}`);
    const progress = progressLine(Number(response.headers.get('content-length') ?? 0));
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, idleMs);
      await file.write(chunk);
      progress(chunk.length);
    }
  } finally {
    clearTimeout(timer);
    await file.close();
  }
}

/** Says every tenth part of the whole, or every 10 MB where the whole is unknown. */
function progressLine(totalBytes: number): (bytes: number) => void {
  const step = totalBytes > 0 ? totalBytes / 10 : 10e6;
  let done = 0;
  let said = 0;
  return (bytes) => {
    done += bytes;
    if (done - said < step) return;
    said = done;
    say(totalBytes > 0 ? `  ${megabytes(done)} of ${megabytes(totalBytes)}` : `  ${megabytes(done)}`);
  };
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Names of a folder's files that are not as a list of `sha256sum` says, are not in it, or are missing. */
export async function wrongFiles(folder: string, list: string): Promise<readonly string[]> {
  const lines = list.trim().split('\n');
  const pinned = new Map(lines.map((line) => line.split(/\s+/)).map(([sum = '', name = '']) => [name, sum]));
  const there = await readdir(folder);
  const missing = [...pinned.keys()].filter((name) => !there.includes(name));
  const sums = await Promise.all(there.map((name) => sha256Of(join(folder, name))));
  return [...missing, ...there.filter((name, at) => pinned.get(name) !== sums[at])];
}
