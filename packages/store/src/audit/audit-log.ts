import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type AuditEntry, type AuditHead, type AuditNote, chained, emptyHead, lineOf, linkOf } from './chain.ts';

/** The result of verifying the audit log. */
export interface AuditReport {
  /** Entries that were read and are right. */
  readonly entries: number;
  /** The first thing that is wrong, and the sequence it is wrong at; undefined: all is right. */
  readonly wrong: { readonly position: number; readonly problem: string } | undefined;
}

/** A file of entries, each bound to the one before. One process writes it. */
export interface AuditLog {
  readonly head: AuditHead;
  /** Resolves once the notes are on the disk. Returns where the chain ends now. */
  append(notes: readonly AuditNote[]): Promise<AuditHead>;
  /** Newest first, below a sequence (absent: from the newest). */
  list(limit: number, before?: number): Promise<readonly AuditEntry[]>;
  /** Reads everything again. `kept`: where the chain was seen to end before. */
  verify(kept?: AuditHead): Promise<AuditReport>;
  close(): Promise<void>;
}

/**
 * Opens or begins the log. A last line that a crash left half was never confirmed and goes; anything else that is wrong
 * stays as it is, for `verify` to tell.
 */
export async function openAuditLog(path: string): Promise<AuditLog> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+', 0o600);
  const { size } = await file.stat();
  const whole = await wholeBytes(path, size);
  if (whole < size) await file.truncate(whole);
  let head = await readHead(path);
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (notes: readonly AuditNote[]): Promise<AuditHead> => {
    let lines = '';
    let next = head;
    for (const note of notes) {
      const entry = chained(note, next);
      lines += `${lineOf(entry)}\n`;
      next = entry;
    }
    await file.appendFile(lines);
    await file.datasync();
    head = { sequence: next.sequence, digest: next.digest };
    return head;
  };
  return {
    get head() {
      return head;
    },
    append(notes) {
      const turn = writing.then(() => write(notes));
      writing = turn.catch(() => {});
      return turn;
    },
    async list(limit, before = Number.POSITIVE_INFINITY) {
      const found: AuditEntry[] = [];
      for await (const line of linesOf(path)) {
        const entry = entryIn(line);
        if (!entry || entry.sequence >= before) continue;
        found.push(entry);
        if (found.length > limit) found.shift();
      }
      return found.reverse();
    },
    async verify(kept) {
      await writing;
      return verifyAuditFile(path, kept ?? head);
    },
    async close() {
      await writing;
      await file.close();
    },
  };
}

/** Reads a log file whole and tells the first thing that is wrong. `kept`: where it was seen to end before. */
export async function verifyAuditFile(path: string, kept: AuditHead = emptyHead): Promise<AuditReport> {
  let head = emptyHead;
  for await (const line of linesOf(path)) {
    const link = linkOf(line, head);
    if ('problem' in link) return wrongAt(head.sequence + 1, link.problem);
    head = { sequence: link.sequence, digest: link.digest };
    if (head.sequence === kept.sequence && head.digest !== kept.digest)
      return wrongAt(head.sequence, 'the entry is another one than was kept elsewhere');
  }
  if (head.sequence < kept.sequence)
    return wrongAt(head.sequence + 1, `the log ends at ${head.sequence}, but ${kept.sequence} were written`);
  return { entries: head.sequence, wrong: undefined };
}

const wrongAt = (position: number, problem: string): AuditReport => ({
  entries: position - 1,
  wrong: { position, problem },
});

/** The lines of the file; what stands behind the last line break is a line, too. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const input = createReadStream(path, { encoding: 'utf8' });
  let rest = '';
  try {
    for await (const chunk of input) {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    input.destroy();
  }
}

/** Where the chain goes on: at the last line that can be read. */
async function readHead(path: string): Promise<AuditHead> {
  let head = emptyHead;
  for await (const line of linesOf(path)) {
    const entry = entryIn(line);
    if (entry) head = { sequence: entry.sequence, digest: entry.digest };
  }
  return head;
}

function entryIn(line: string): AuditEntry | undefined {
  try {
    const entry = JSON.parse(line) as AuditEntry;
    return typeof entry?.sequence === 'number' && typeof entry.digest === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** So much of the file ends with a line break. */
async function wholeBytes(path: string, size: number): Promise<number> {
  let last = 0;
  let at = 0;
  for await (const chunk of createReadStream(path)) {
    const bytes = chunk as Buffer;
    const found = bytes.lastIndexOf(10);
    if (found !== -1) last = at + found + 1;
    at += bytes.length;
  }
  return Math.min(last, size);
}
