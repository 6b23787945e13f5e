import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { printable } from '@will/core';
import { displayPath } from './settings.ts';

const largestBytes = 10e6;
const linesPerWindow = 10;
const windowMs = 10_000;
const warnLevel = 40;
const fatalLevel = 60;

/** A process's log: everything goes into its file, warnings and worse also to the terminal, in short. */
export class LogFile {
  readonly path: string;
  readonly #name: string;
  readonly #file: WriteStream;
  #isMuted = false;
  #shownLines = 0;
  #windowEndsMs = 0;

  constructor(dataDir: string, name: string) {
    this.#name = name;
    this.path = join(dataDir, 'logs', `${name}.log`);
    keepSmall(this.path);
    this.#file = createWriteStream(this.path, { flags: 'a' });
    // A full disk must not end the supervisor.
    this.#file.on('error', () => {});
  }

  follow(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.#file.write(`${line}\n`);
      const short = this.#isMuted ? undefined : shortForm(line, this.#name);
      if (short !== undefined) this.#show(short);
    });
  }

  /** From now on only the file is written: what a process says while it stops is no news. */
  mute(): void {
    this.#isMuted = true;
  }

  /** A process in trouble may repeat itself; the terminal stays readable. */
  #show(line: string): void {
    const nowMs = Date.now();
    if (nowMs > this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + windowMs;
      this.#shownLines = 0;
    }
    this.#shownLines += 1;
    if (this.#shownLines <= linesPerWindow) process.stderr.write(`${printable(line)}\n`);
    else if (this.#shownLines === linesPerWindow + 1)
      process.stderr.write(`${this.#name}: more in ${displayPath(this.path)}\n`);
  }
}

function keepSmall(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestBytes) renameSync(path, `${path}.1`);
}

/** undefined: not worth the terminal. A line that is no log line (a crash) is shown as it is. */
function shortForm(line: string, name: string): string | undefined {
  const entry = parseEntry(line);
  if (!entry) return `${name}: ${line}`;
  // A service that gives up at its start also tells us why, and we say it.
  if (entry.level < warnLevel || entry.level >= fatalLevel) return undefined;
  const level = entry.level >= 50 ? 'error' : 'warn';
  return `${entry.service ?? name}: ${level}: ${entry.msg ?? ''}${entry.error === undefined ? '' : ` (${entry.error})`}`;
}

function parseEntry(line: string): { level: number; service?: string; msg?: string; error?: string } | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as { level?: unknown; service?: string; msg?: string; error?: string };
    return typeof entry.level === 'number' ? { ...entry, level: entry.level } : undefined;
  } catch {
    return undefined;
  }
}
