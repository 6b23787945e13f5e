import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storesAt } from '@will/store';
import { expect, test } from 'vitest';
import { runCli } from './program.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';

async function willm(dataDir: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal({ env: { WILL_DATA_DIR: dataDir } });
  const code = await runCli(args, terminal);
  return { code, out: terminal.stdout(), err: terminal.stderr() };
}

test('backup copies the stores while they are in use, restore puts them where there are none, and neither overwrites', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'will-cli-'));
  const [from, to, backup] = [join(folder, 'from'), join(folder, 'to'), join(folder, 'backup')];
  const documents = await storesAt({ dataDir: from, mongodbUri: undefined }).documents();
  try {
    await documents.commit({ expectedRevision: 0, upserts: [], removals: [], author: 'ada', note: 'kept', atMs: 1 });
    expect(await willm(from, 'backup', backup)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^registry\.sqlite \(\d+ bytes\) backed up to /) as string,
    });
    expect(await willm(from, 'backup', backup)).toMatchObject({ code: 1, err: `willm: ${backup} is not empty\n` });
    expect((await willm(from, 'restore', backup)).err).toContain('stop the services and move it away first');
    expect(await willm(to, 'restore', backup, '--json')).toMatchObject({ code: 0 });
    const restored = await storesAt({ dataDir: to, mongodbUri: undefined }).documents();
    expect(await restored.revisions(5)).toMatchObject([{ revision: 1, note: 'kept' }]);
    expect(restored.incarnation).toBe(documents.incarnation);
    await restored.close();
  } finally {
    await documents.close();
    await rm(folder, { recursive: true });
  }
});
