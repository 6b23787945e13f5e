import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAuditLog, verifyAuditFile } from './audit-log.ts';
import type { AuditHead, AuditNote } from './chain.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-audit-'));
});
afterAll(() => rm(folder, { recursive: true }));

const note = (n: number): AuditNote => ({
  atMs: 1_700_000_000_000 + n,
  service: 'gateway',
  actor: `key-${n}`,
  action: 'request.refused',
  object: 'POST /v1/chat/completions',
  detail: 'key unknown',
});
const notes = (count: number): AuditNote[] => Array.from({ length: count }, (_, n) => note(n));

async function written(name: string, count: number): Promise<{ path: string; text: string; head: AuditHead }> {
  const path = join(folder, name);
  const log = await openAuditLog(path);
  const head = await log.append(notes(count));
  await log.close();
  return { path, text: await readFile(path, 'utf8'), head };
}

async function verdictOn(text: string, head: AuditHead) {
  const path = join(folder, 'changed');
  await writeFile(path, text);
  return (await verifyAuditFile(path, head)).wrong;
}

test('what was appended verifies, goes on after a restart, and lists newest first', async () => {
  const { path } = await written('whole', 3);
  const log = await openAuditLog(path);
  await Promise.all([log.append([note(3)]), log.append([note(4), note(5)])]);
  expect(await log.verify()).toEqual({ entries: 6, wrong: undefined });
  expect((await log.list(2)).map(({ sequence }) => sequence)).toEqual([6, 5]);
  expect((await log.list(2, 5)).map(({ sequence }) => sequence)).toEqual([4, 3]);
  await log.close();
});

test('every flipped bit of every byte is found, at its entry', async () => {
  const { text, head } = await written('flips', 6);
  const bytes = Buffer.from(text);
  let entry = 1;
  for (let at = 0; at < bytes.length; at += 1) {
    const original = bytes[at] as number;
    for (const bit of at % 8 === 0 ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (at % 8)]) {
      bytes[at] = original ^ bit;
      const wrong = await verdictOn(bytes.toString('latin1'), head);
      if (wrong === undefined) throw new Error(`byte ${at} bit ${bit} went unseen`);
      expect(wrong.position).toBe(entry);
    }
    bytes[at] = original;
    if (original === 10) entry += 1;
  }
});

test('every dropped, swapped, doubled and inserted entry is found, at its place', async () => {
  const { text, head } = await written('lines', 12);
  const lines = text.trimEnd().split('\n');
  const joined = (changed: readonly (string | undefined)[]): string => `${changed.join('\n')}\n`;
  for (let at = 0; at < lines.length; at += 1) {
    expect((await verdictOn(joined(lines.toSpliced(at, 1)), head))?.position).toBe(at + 1);
    expect((await verdictOn(joined(lines.toSpliced(at, 0, lines[at] as string)), head))?.position).toBe(at + 2);
    expect((await verdictOn(joined(lines.toSpliced(at, 0, '')), head))?.position).toBe(at + 1);
    if (at > 0)
      expect(
        (await verdictOn(joined(lines.with(at, lines[at - 1] as string).with(at - 1, lines[at] as string)), head))
          ?.position,
      ).toBe(at);
  }
});

test('every truncation is found by the end that was kept elsewhere', async () => {
  const { path, text, head } = await written('cut', 8);
  for (let left = 0; left < 8; left += 1) {
    const shorter = text
      .split('\n')
      .slice(0, left)
      .map((line) => `${line}\n`)
      .join('');
    expect((await verdictOn(shorter, head))?.position).toBe(left + 1);
  }
  await truncate(path, text.length - 20);
  expect((await verifyAuditFile(path, head)).wrong?.position).toBe(8);
});

test('a chain that was written anew from some entry on is found by the end that was kept elsewhere', async () => {
  const { head } = await written('first', 5);
  const { path } = await written('second', 4);
  const log = await openAuditLog(path);
  await log.append([{ ...note(4), actor: 'somebody else' }, note(5)]);
  await log.close();
  expect((await verifyAuditFile(path, head)).wrong?.position).toBe(5);
});

test('a line that a crash left half was never confirmed: the log goes on before it', async () => {
  const { path, text } = await written('torn', 3);
  await writeFile(path, `${text}{"sequence":4,"atMs":17`);
  const log = await openAuditLog(path);
  expect(await log.append([note(3)])).toMatchObject({ sequence: 4 });
  expect(await log.verify()).toEqual({ entries: 4, wrong: undefined });
  await log.close();
});

test('many entries are verified', async () => {
  const count = Number(process.env['WILL_AUDIT_ENTRIES'] ?? 20_000);
  const { path, head } = await written('many', count);
  expect(await verifyAuditFile(path, head)).toEqual({ entries: count, wrong: undefined });
});
