import { createHash } from 'node:crypto';

/** The words of a service about a change or a refusal. Never content, never a key. */
export interface AuditNote {
  /** UTC milliseconds. */
  readonly atMs: number;
  readonly service: string;
  /** Who did it: an author, a key's id, a client. */
  readonly actor: string;
  /** `documents.applied`, `key.created`, `key.revoked`, `request.refused`, … */
  readonly action: string;
  /** What it was done to: a revision, a key's id, a route. */
  readonly object: string;
  /** In words, short. */
  readonly detail: string;
}

/** A note in its place in the chain. */
export interface AuditEntry extends AuditNote {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** Digest of the entry before; 64 zeros before the first. */
  readonly previous: string;
  /** SHA-256 in hex over the line without this field. */
  readonly digest: string;
}

/** The end of a chain. Kept at another place too, it shows a file that was cut. */
export interface AuditHead {
  readonly sequence: number;
  readonly digest: string;
}

/** The head of a log without entries. */
export const emptyHead: AuditHead = { sequence: 0, digest: '0'.repeat(64) };

const longest = 200;
const cut = (text: string): string => text.slice(0, longest);

/** Makes the entry of a note: its digest covers the entry before. */
export function chained(note: AuditNote, { sequence, digest: previous }: AuditHead): AuditEntry {
  const { atMs, service, actor, action, object, detail } = note;
  const link = {
    sequence: sequence + 1,
    atMs,
    service: cut(service),
    actor: cut(actor),
    action: cut(action),
    object: cut(object),
    detail: cut(detail),
    previous,
  };
  return { ...link, digest: sha256(JSON.stringify(link)) };
}

/** The one way to write an entry: what does not look exactly so was not written by us. */
export const lineOf = (entry: AuditEntry): string => JSON.stringify(entry);

/** The entry of a line, when it is the one that may follow. @returns what is wrong otherwise */
export function linkOf(line: string, head: AuditHead): AuditEntry | { readonly problem: string } {
  let entry: AuditEntry;
  try {
    entry = JSON.parse(line) as AuditEntry;
  } catch {
    return { problem: 'the line is not readable' };
  }
  if (typeof entry !== 'object' || entry === null) return { problem: 'the line is no entry' };
  if (entry.sequence !== head.sequence + 1)
    return { problem: `the entry says ${String(entry.sequence).slice(0, 20)} where ${head.sequence + 1} must follow` };
  if (entry.previous !== head.digest) return { problem: 'the entry does not follow the one before it' };
  if (isNote(entry) && lineOf(chained(entry, head)) === line) return entry;
  return { problem: 'the entry was changed' };
}

const isNote = (entry: AuditEntry): boolean =>
  [entry.service, entry.actor, entry.action, entry.object, entry.detail].every((text) => typeof text === 'string');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
