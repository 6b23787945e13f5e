import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callsOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { type Said, willmAt } from '../support/willm.ts';

// Changes of rules and removals, by the command line, with the whole product running.

let upstream: ReplayingUpstream;
let system: System;
let folder: string;
let world: string;

const acme = (...rules: string[]): string => ['kind: client', 'name: Acme', ...rules].join('\n');
const bound = acme('data_rules: { avoid_cloud: yes }', 'budget: { daily: { requests: 1000 } }');
const night = 'kind: project\nname: night\nclient: Acme';
const strict = `${openByDefault}\nstrict_changes: yes`;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const endpoint = `${upstream.url}/v1`;
  world = documentFile(
    modelDocument({ name: 'Cloud', callMethod: 'API', endpoint }),
    modelDocument({ name: 'Own', endpoint, aliases: ['ours'] }),
    routeDocument('text_gen', 'Cloud', 'Own'),
  );
  folder = await mkdtemp(join(tmpdir(), 'will-rules-'));
  system = await startSystem({
    documents: { 'world.yaml': documentFile(world, openByDefault, bound, night) },
    counts: { tasks: 1 },
  });
  await system.untilServed('cloud', 'own');
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => upstream.clear());

const willm = (...args: string[]): Promise<Said> => willmAt(system.nats.url)(...args);
/** Makes these all the documents there are, beside the models and their route. */
async function become(documents: readonly string[], ...options: string[]): Promise<Said> {
  const path = join(folder, 'all.yaml');
  await writeFile(path, documentFile(world, ...documents));
  return willm('apply', '-f', path, '--prune', ...options);
}
const run = async (client: string): Promise<string> =>
  (await system.client.run({ type: 'text_gen', client, input: 'Hello' })).model;
const submit = (more: object) => system.client.submit({ type: 'text_gen', client: 'acme', input: 'Hello', ...more });

test('a task keeps the rules of its acceptance, and apply tells what it loosens and for which decisions', async () => {
  expect(await run('acme')).toBe('own');
  await callsOf(system, { client: 'acme' }, 1);
  const accepted = await submit({ notBeforeUnixMs: Date.now() + 12_000, project: 'night' });
  const loosened = await become([openByDefault, acme(), night]);
  expect([loosened.code, loosened.err]).toEqual([0, '']);
  expect(loosened.out).toContain('looser: client acme: avoid_cloud is no longer asked for\n');
  expect(loosened.out).toContain('looser for: text_gen for client acme, decided once: may now go to cloud (');
  expect(await run('acme')).toBe('cloud');
  const later = await submit({});
  expect((await system.client.result(later.taskId, { client: 'acme', timeoutMs: 30_000 })).model).toBe('cloud');
  expect((await system.client.task(accepted.taskId, { client: 'acme' })).state).toBe('waiting');
  const cloudCalls = upstream.countOf('cloud');
  expect((await system.client.result(accepted.taskId, { client: 'acme', timeoutMs: 30_000 })).model).toBe('own');
  expect(upstream.countOf('cloud')).toBe(cloudCalls);
  expect((await become([openByDefault, bound, night])).out).not.toContain('looser');
});

test('with strict_changes a loosening is exit 1 and changes nothing, until it is allowed', async () => {
  expect((await become([strict, bound, night])).code).toBe(0);
  const refused = await become([strict, acme('budget: { daily: { requests: 1000 } }'), night]);
  expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('looser: client acme: avoid_cloud')]);
  expect(refused.err).toContain(
    'client acme: avoid_cloud is no longer asked for; the settings say strict_changes, so this needs --allow-loosening\n',
  );
  expect(await run('acme')).toBe('own');
  const back = await become([openByDefault, bound, night], '--json');
  expect([back.code, JSON.parse(back.out)]).toMatchObject([1, { loosenings: [{ field: 'strict_changes' }] }]);
  expect((await become([openByDefault, bound, night], '--allow-loosening')).code).toBe(0);
});

test('a removal tells what depends on it, needs force, and frees nobody; its name is not taken by another', async () => {
  expect((await willm('keys', 'create', '--client', 'acme')).code).toBe(0);
  upstream.script('own', { kind: 'answer', delayMs: 20_000 }, { kind: 'answer' });
  const called = upstream.nextRequest('own');
  const running = await submit({ project: 'night', model: 'ours' });
  await called;
  const waiting = await submit({ notBeforeUnixMs: Date.now() + 8_000, project: 'night' });
  const refused = await become([openByDefault]);
  expect([refused.code, refused.out]).toEqual([1, '']);
  const [client = '', project = ''] = refused.err.split('\n');
  expect(client).toContain('client acme: it is removed, and on it depend 1 API key (');
  expect(client).toContain('1 project (night), 2 durable tasks (1 waiting, 1 running), its budget, its rules on data');
  expect(project).toContain('project night: it is removed, and on it depend 2 durable tasks (1 waiting, 1 running)');
  const newSlug = await become([openByDefault, `${bound}\nslug: acme-2`, 'kind: project\nname: night\nclient: acme-2']);
  expect([newSlug.code, newSlug.err]).toEqual([
    1,
    expect.stringContaining('its new slug acme-2 makes it another client'),
  ]);
  expect(await run('acme')).toBe('own');

  expect((await become([openByDefault], '--force')).code).toBe(0);
  await system.client.result(waiting.taskId, { client: 'acme', timeoutMs: 60_000 }).catch(() => {});
  await system.client.cancelTask(running.taskId, { client: 'acme' });
  expect(upstream.countOf('cloud')).toBe(0);

  const logged = JSON.parse((await willm('logs', '--client', 'Acme', '--json')).out) as unknown[];
  const used = JSON.parse((await willm('usage', '--client', 'Acme', '--json')).out) as object;
  expect(logged.length).toBeGreaterThan(0);
  expect(JSON.stringify(used)).toContain('"own"');

  const taken = await become([openByDefault, 'kind: client\nname: Other\nslug: acme']);
  expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('it takes the name "acme" of client acme')]);
  const back = await become([openByDefault, bound]);
  expect([back.code, back.err]).toEqual([0, '']);
  expect(await run('acme')).toBe('own');
});
