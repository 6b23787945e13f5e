import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callsOf, decisionOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { type Said, willmAt } from '../support/willm.ts';

// Documents through their life, by the command line, with the whole product running.

let upstream: ReplayingUpstream;
let system: System;
let folder: string;
let oldModel: string;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const cloud = { callMethod: 'API', endpoint: `${upstream.url}/v1` } as const;
  oldModel = modelDocument({ ...cloud, name: 'Old' });
  folder = await mkdtemp(join(tmpdir(), 'will-life-'));
  system = await startSystem({
    callers: ['acme'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        oldModel,
        modelDocument({ ...cloud, name: 'New' }),
        routeDocument('text_gen', 'Old', 'New'),
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('old', 'new');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => upstream.clear());

const willm = (...args: string[]): Promise<Said> => willmAt(system.nats.url)(...args);
async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}
const run = (client: string, model?: string) =>
  system.client.run({ type: 'text_gen', client, input: 'Hello', ...(model && { model }) });
const revision = async (): Promise<number> =>
  (JSON.parse((await willm('status', '--json')).out) as { revision: number }).revision;

test('a dry run says which decisions of the last hour would change, and changes nothing', async () => {
  for (let n = 0; n < 3; n += 1) expect((await run('acme')).model).toBe('old');
  await callsOf(system, { client: 'acme' }, 3);
  const retired = await file('retired.yaml', `${oldModel}\nretired: yes\nreplaced_by: New\n`);
  const dry = await willm('apply', '-f', retired, '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.out).toContain(
    'would change: text_gen for client acme, decided 3 times: old, new → new (old drops out: retired)\n',
  );
  expect(dry.out).toContain('3 of 3 decisions of the last hour (1 of 1 kinds of task) would change\n');
  expect(dry.err).toContain('route text_gen: old, which it names, is retired');
  expect(await revision()).toBe(1);
  expect((await run('acme')).model).toBe('old');
});

test('a retired model gets no call from the moment apply returns, and a rollback brings it back', async () => {
  const before = await revision();
  const retired = await file('retired.yaml', `${oldModel}\nretired: yes\nreplaced_by: New\n`);
  const applied = await willm('apply', '-f', retired, '--note', 'end of life');
  expect([applied.code, applied.err.includes('not confirmed')]).toEqual([0, false]);
  expect((await run('acme')).model).toBe('new');
  for (const asked of ['Old', 'old'])
    await expect(run('acme', asked)).rejects.toMatchObject({ code: 'model_not_allowed' });
  expect([upstream.countOf('old'), upstream.countOf('new')]).toEqual([0, 1]);
  expect((await willm('explain', 'text_gen')).out).toContain('not old: retired (it is retired, replaced by new)');

  const status = JSON.parse((await willm('status', '--json')).out) as {
    lagging: string[];
    processes: { service: string; revision: number }[];
  };
  expect(status.lagging).toEqual([]);
  for (const { service, revision: has } of status.processes)
    if (service !== 'telemetry' && service !== 'registry') expect([service, has]).toEqual([service, before + 1]);

  const back = await willm('rollback', String(before), '--note', 'too early');
  expect([back.code, back.out]).toEqual([
    0,
    `KIND   NAME  CHANGE\nmodel  old   updated\n1 change, revision ${before + 2}\n`,
  ]);
  expect((await run('acme')).model).toBe('old');

  const history = JSON.parse((await willm('history', 'model', 'Old', '--json')).out) as {
    revision: number;
    action: string;
    fields: string[];
    note: string;
  }[];
  expect(history.map((one) => [one.revision, one.action, one.fields.join(), one.note])).toEqual([
    [before + 2, 'updated', 'replaced_by,retired', 'too early'],
    [before + 1, 'updated', 'replaced_by,retired', 'end of life'],
    [1, 'created', '', 'documents the store began with'],
  ]);
  expect((await willm('diff', '--from', String(before), '--to', String(before + 1))).out).toBe(
    'model old updated\n  + replaced_by: "New"\n  + retired: true\n',
  );
  expect((await willm('diff', '--from', String(before))).out).toBe('');
  expect((await willm('rollback', '999')).code).toBe(1);
});

test('a deprecated model is still used; apply and the decision warn of it', async () => {
  const deprecated = await file('deprecated.yaml', `${oldModel}\ndeprecated: 2026-01-01\nreplaced_by: New\n`);
  const applied = await willm('apply', '-f', deprecated);
  expect(applied.err).toContain('warning: model old: it is deprecated since 2026-01-01; new replaces it\n');
  const result = await run('acme');
  expect(result.model).toBe('old');
  const { set } = await decisionOf(system, result.decisionId);
  expect(set?.notes).toContain('old is deprecated since 2026-01-01; new replaces it');
});

test('a model that retires within 30 days is warned of by apply and status, and its answers carry the dates', async () => {
  const retiresAt = new Date(Date.now() + 20 * 24 * 3_600_000);
  retiresAt.setUTCMilliseconds(0);
  const day = retiresAt.toISOString().slice(0, 10);
  const text = `${oldModel}\nretires_at: ${retiresAt.toISOString().replace('.000', '')}\nsuccessor: New\n`;
  const { code, err } = await willm('apply', '-f', await file('retiring.yaml', text));
  expect([code, err]).toEqual([0, expect.stringContaining(`model old: it retires on ${day}; new replaces it`)]);
  const { out } = await willm('status');
  expect(out).toContain(`warning: model old retires on ${day}; new replaces it; named by route text_gen\n`);
  const response = await fetch(`${system.httpUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-will-client': 'acme' },
    body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  expect(response.headers.get('x-will-model')).toBe('old');
  expect(response.headers.get('sunset')).toBe(retiresAt.toUTCString());
  expect(response.headers.get('link')).toBe('</v1/models/new>; rel="successor-version"');
});

test('what export writes is valid, and applying it changes nothing, also with --prune', async () => {
  const before = await revision();
  const exported = join(folder, 'exported');
  expect((await willm('export', exported)).code).toBe(0);
  expect((await willm('validate', exported)).out).toBe('6 documents in 6 files, no problem\n');
  const again = await willm('apply', '-f', exported, '--prune');
  expect([again.code, again.out]).toEqual([0, `nothing changes, revision ${before}\n`]);
  const all = await file('all.yaml', (await willm('export')).out);
  expect((await willm('apply', '-f', all)).out).toBe(`nothing changes, revision ${before}\n`);
});

test('a process that does not follow is named by apply and by status until it does', async () => {
  const [policy] = system.of('policy');
  policy?.signal('SIGSTOP');
  let applied: Said;
  try {
    const more = await file('more.yaml', '[client:Slow]\n  default_model: New\n');
    applied = await willm('apply', '-f', more, '--timeout-ms', '1000');
    expect(applied.code).toBe(4);
    expect(applied.err).toMatch(
      /warning: not confirmed: policy \S+ works with revision \d+ and serves only tasks without rules on data from 20\S+Z on\n/,
    );
    expect((await willm('status')).out).toMatch(/not yet on revision \d+: policy \S+, which has revision \d+\n/);
    // While it is frozen it is missed; once its documents are stale nobody waits for it any more.
    const again = await willm(
      'apply',
      '-f',
      await file('again.yaml', '[client:Slow]\n  default_model: New\n  force_tone: dry\n'),
    );
    expect([again.code, again.err]).toEqual([0, '']);
  } finally {
    policy?.signal('SIGCONT');
  }
  const newest = await revision();
  await system.until(
    ({ processes }) =>
      [...processes.values()].some((one) => one.service === 'policy' && Number(one.revision) === newest),
    'policy on the newest revision',
  );
  expect((await willm('status')).out).not.toContain('not yet on revision');
});
