import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { announce, connectBus } from '@will/bus';
import { parseDocuments, subjects, wire } from '@will/contracts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runCli } from './program.ts';
import { CliOnBus } from './testing/cli-on-bus.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';

let cli: CliOnBus;
beforeAll(async () => {
  cli = await CliOnBus.start();
});
afterAll(() => cli.stop());
afterEach(() => cli.cleanUp());

const willm = (...args: string[]): ReturnType<CliOnBus['willm']> => cli.willm(...args);
/** Plays the registry on one subject, and keeps what it was asked. */
const serve = <Q extends DescMessage, A extends DescMessage>(
  operation: 'history' | 'diff' | 'rollback' | 'apply' | 'get' | 'status',
  questionSchema: Q,
  answerSchema: A,
  answer: (question: MessageShape<Q>) => MessageInitShape<A>,
): MessageShape<Q>[] => cli.serve(subjects.registry(operation), questionSchema, answerSchema, answer);
const atUnixMs = BigInt(Date.UTC(2026, 10, 23, 12));

test('history shows each version of a document, over all pages', async () => {
  const version = { author: 'ada', note: 'why', atUnixMs };
  const asked = serve('history', wire.HistoryRequestSchema, wire.HistoryResponseSchema, ({ before }) =>
    before === 0n
      ? { versions: [{ ...version, revision: 9n, action: 'updated', fields: ['tier', 'limits.rpm'] }], next: 9n }
      : { versions: [{ ...version, revision: 2n, action: 'created' }] },
  );
  const { code, out } = await willm('history', 'models', 'GPT-4');
  expect(code).toBe(0);
  expect(asked.map(({ kind, slug, before }) => [kind, slug, before])).toEqual([
    ['model', 'GPT-4', 0n],
    ['model', 'GPT-4', 9n],
  ]);
  const lines = out.split('\n');
  expect(lines[0]).toMatch(/^REVISION +TIME +BY +CHANGE +NOTE$/);
  expect(lines[1]).toMatch(/^ +9 {2}2026-11-2\d \S+ {2}ada {2}updated: tier, limits\.rpm {2}why$/);
  expect(lines[2]).toMatch(/^ +2 .* created +why$/);
  expect(JSON.parse((await willm('history', 'model', 'GPT-4', '--json', '--limit', '1')).out)).toHaveLength(1);
});

test('history without a document shows the revisions; one that never was is exit 1', async () => {
  const asked = serve('history', wire.HistoryRequestSchema, wire.HistoryResponseSchema, ({ kind }) =>
    kind === '' ? { versions: [{ revision: 4n, author: 'ada', atUnixMs, changes: 12 }] } : {},
  );
  expect((await willm('history')).out).toMatch(/DOCUMENTS {2}NOTE\n.* 12\n$/);
  expect(await willm('history', 'model', 'Nobody')).toMatchObject({
    code: 1,
    err: 'willm: there never was a model "Nobody"\n',
  });
  await willm('history', 'settings');
  expect(asked.at(-1)).toMatchObject({ kind: 'settings', slug: 'global' });
});

test('diff shows what was added, taken away and changed, and asks on with the same revisions', async () => {
  const change = { kind: 'model', slug: 'gpt-4', action: 'updated' };
  const asked = serve('diff', wire.DiffRequestSchema, wire.DiffResponseSchema, ({ after }) => ({
    from: 3n,
    to: 8n,
    ...(after === 0
      ? { changes: [{ ...change, field: 'limits.rpm', before: '5', after: '10' }], next: 1 }
      : {
          changes: [
            { ...change, field: 'tier', after: '"premium"' },
            { kind: 'route', slug: 'code', action: 'removed', field: 'name', before: '"code"' },
          ],
        }),
  }));
  const { code, out, err } = await willm('diff', '--from', '3');
  expect([code, out]).toEqual([
    0,
    'model gpt-4 updated\n  ~ limits.rpm: 5 → 10\n  + tier: "premium"\nroute code removed\n  - name: "code"\n',
  ]);
  expect(err).toBe('3 fields of 2 documents between revisions 3 and 8\n');
  expect(asked.map(({ from, to, after }) => [from, to, after])).toEqual([
    [3n, undefined, 0],
    [3n, 8n, 1],
  ]);
  expect(JSON.parse((await willm('diff', 'model', 'gpt-4', '--json')).out)).toMatchObject({ from: 3, to: 8 });
});

test('rollback says what it changed, and a refused one is exit 1', async () => {
  const asked = serve('rollback', wire.RollbackRequestSchema, wire.ApplyResponseSchema, ({ revision }) =>
    revision === 3n
      ? { revision: 9n, changes: [{ kind: 'model', slug: 'gpt-4', action: 'updated' }] }
      : { revision: 8n, problems: [{ path: 'revision 70', message: 'it must be between 1 and 8' }] },
  );
  const done = await willm('rollback', '3', '--note', 'too dear');
  expect([done.code, done.out]).toEqual([0, 'KIND   NAME   CHANGE\nmodel  gpt-4  updated\n1 change, revision 9\n']);
  expect(asked[0]).toMatchObject({ revision: 3n, note: 'too dear', dryRun: false });
  expect(asked[0]?.author).not.toBe('');
  expect(await willm('rollback', '70')).toMatchObject({
    code: 1,
    err: 'revision 70: it must be between 1 and 8\nwillm: nothing was applied: 1 problem\n',
  });
});

test('a dry run tells which decisions would change', async () => {
  await writeFile(join(cli.folder, 'a.yaml'), 'a: 1');
  serve('apply', wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => ({
    revision: 8n,
    changes: [{ kind: 'model', slug: 'a', action: 'updated' }],
    decisionChanges: [{ words: 'code for client c, decided once: a, b → b (a drops out: retired)' }],
    decisionsNote: '1 of 2 decisions would change',
  }));
  const { out } = await willm('apply', '-f', join(cli.folder, 'a.yaml'), '--dry-run');
  expect(out.split('\n').slice(2, 5)).toEqual([
    '1 change; dry run, revision 8 stays',
    'would change: code for client c, decided once: a, b → b (a drops out: retired)',
    '1 of 2 decisions would change',
  ]);
});

test('validate needs no bus: exit 0 with a count, exit 1 with each problem at its line', async () => {
  const place = join(cli.folder, 'validate');
  await mkdir(place);
  await writeFile(
    join(place, 'm.yaml'),
    'kind: model\nname: GPT-4\ntags: [code]\ncall_method: API\nendpoint: https://example.com\n',
  );
  await writeFile(join(place, 'r.will'), '[code]\n  primary: GPT-4\n');
  const offline = fakeTerminal({ env: { NATS_URL: 'nats://127.0.0.1:1' } });
  expect(await runCli(['validate', place], offline)).toBe(0);
  expect(offline.stdout()).toBe('2 documents in 2 files, no problem\n');
  await writeFile(join(place, 'r.will'), '[code]\n  primary: GPT-5\n  fallback_1: nobody\n');
  const { code, err } = await willm('validate', place);
  expect(code).toBe(1);
  expect(err).toContain(`${join(place, 'r.will')}:2: primary: "GPT-5" is no model; nearest: "GPT-4"\n`);
  expect(err).toMatch(/r\.will:3: fallback_1: .*\nwillm: 2 problems\n$/);
  expect(JSON.parse((await willm('validate', place, '--json')).out)).toMatchObject({ files: 2, problems: [{}, {}] });
});

const body = {
  name: 'GPT-4',
  slug: 'gpt-4',
  aliases: [],
  tags: ['code'],
  call_method: 'API',
  provider: 'openai-compatible',
};
const json = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));

test('export writes a file for each document, or all of them to stdout', async () => {
  const model = { ...body, endpoint: 'https://example.com', capabilities: [], tier: 'standard' };
  const settings = { name: 'global', slug: 'global', default_data_class: 'open' };
  const asked = serve('get', wire.GetRequestSchema, wire.GetResponseSchema, ({ kind }) => ({
    documents: [
      { kind: 'model', slug: 'gpt-4', json: json(model) },
      ...(kind === '' ? [{ kind: 'settings', slug: 'global', json: json(settings) }] : []),
    ],
  }));
  const { code, out } = await willm('export');
  expect(code).toBe(0);
  expect(parseDocuments('out.yaml', out).documents.map(({ document }) => document)).toEqual([
    { kind: 'model', body: model },
    { kind: 'settings', body: settings },
  ]);
  const place = join(cli.folder, 'exported');
  await mkdir(join(place, 'models'), { recursive: true });
  await writeFile(join(place, 'models', 'old.yaml'), '');
  const written = await willm('export', place, '--kind', 'models');
  expect(asked.at(-1)?.kind).toBe('model');
  expect(await readFile(join(place, 'models', 'gpt-4.yaml'), 'utf8')).toMatch(
    /^kind: model\nname: GPT-4\nslug: gpt-4\n/,
  );
  expect(written.err).toBe(
    `1 document in ${place}\nwarning: ${join(place, 'models', 'old.yaml')} is not from this export; apply would take it too\n`,
  );
});

test('an export that documents change under begins again, so that it is of one revision', async () => {
  const page = (slug: string) => ({ kind: 'model', slug, json: json({ ...body, name: slug, slug }) });
  const pages = [
    { revision: 1n, documents: [page('old')], next: 'model:old' },
    { revision: 2n, documents: [page('b')] },
    { revision: 2n, documents: [page('a')], next: 'model:a' },
    { revision: 2n, documents: [page('b')] },
  ];
  const asked = serve('get', wire.GetRequestSchema, wire.GetResponseSchema, () => pages.shift() ?? {});
  const { out } = await willm('export');
  expect(out.match(/slug: \w+/g)).toEqual(['slug: a', 'slug: b']);
  expect(asked.map(({ after }) => after)).toEqual(['', 'model:old', '', 'model:a']);
});

test('status names who does not work with the newest revision yet', async () => {
  const router = await connectBus({ servers: cli.nats.url, processId: 'router-1', inboxScope: 'test' });
  const presence = await announce(router, 'router', () => ({ revision: 4 }));
  cli.after(async () => {
    await presence.stop();
    await router.close();
  });
  serve('status', wire.StatusRequestSchema, wire.StatusResponseSchema, () => ({
    revision: 5n,
    publishedRevision: 5n,
    lagging: ['router-1'],
  }));
  const { out } = await willm('status');
  expect(out).toMatch(/router +router-1 +4 /);
  expect(out).toContain('not yet on revision 5: router router-1, which has revision 4\n');
  expect(JSON.parse((await willm('status', '--json')).out)).toMatchObject({ lagging: ['router-1'] });
});
