import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuditLog } from '@will/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../program.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';

let folder: string;
let file: string;
let anchor: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-audit-cli-'));
  file = join(folder, 'audit.jsonl');
  anchor = join(folder, 'anchor.jsonl');
  const log = await openAuditLog(file);
  const note = { atMs: 1, service: 'registry', actor: 'ada', action: 'key.created', object: 'k', detail: '' };
  const heads = [await log.append([note]), await log.append([note, note])];
  await log.append([note]);
  await log.close();
  await writeFile(anchor, heads.map((head) => `${JSON.stringify({ atMs: 1, ...head })}\n`).join('') + '{"atMs":17');
});
afterAll(() => rm(folder, { recursive: true }));

async function verify(...args: readonly string[]): Promise<readonly [number, string]> {
  const terminal = fakeTerminal();
  const code = await runCli(['audit', 'verify', ...args], terminal);
  return [code, terminal.stdout() + terminal.stderr()];
}

test('a log verifies against the newest end that was anchored', async () => {
  expect(await verify('--file', file, '--anchor', anchor)).toEqual([
    0,
    '4 entries, all as they were written, up to entry 3 as anchored\n',
  ]);
});

test('a tail that was cut, which the log itself does not show, is found by the anchor', async () => {
  const cut = join(folder, 'cut.jsonl');
  const [first = ''] = (await readFile(file, 'utf8')).split('\n');
  await writeFile(cut, `${first}\n`);
  expect(await verify('--file', cut)).toEqual([0, '1 entries, all as they were written\n']);
  expect(await verify('--file', cut, '--anchor', anchor)).toEqual([
    1,
    'wrong at entry 2: the log ends at 1, but 3 were written\n',
  ]);
});

test('a log that was written anew is found by the anchor', async () => {
  const anew = join(folder, 'anew.jsonl');
  const log = await openAuditLog(anew);
  const note = { atMs: 1, service: 'registry', actor: 'eve', action: 'key.created', object: 'k', detail: '' };
  await log.append([note, note, note, note]);
  await log.close();
  const [code, said] = await verify('--file', anew, '--anchor', anchor);
  expect([code, said]).toEqual([1, 'wrong at entry 3: the entry is another one than was kept elsewhere\n']);
});

test('files that are not there, or hold no end of a log, are told', async () => {
  expect(await verify('--file', join(folder, 'none'))).toEqual([2, expect.stringContaining('cannot be read (ENOENT)')]);
  expect(await verify('--file', file, '--anchor', file)).toEqual([0, expect.any(String)]);
  const empty = join(folder, 'empty');
  await writeFile(empty, 'nothing\n');
  expect(await verify('--file', file, '--anchor', empty)).toEqual([
    2,
    expect.stringContaining('holds no end of an audit log'),
  ]);
});
