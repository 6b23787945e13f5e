import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyReport } from '@will/store';
import { adminRoutes } from '../../services/console/src/api/table.ts';
import { willmAt } from '../support/willm.ts';
import { attackAdminApi } from './admin-attack.ts';
import { type AdminWorld, callAs, post, type Role, roles, startAdminWorld } from './admin-world.ts';

// The admin API of the running product, with keys of every role.

let world: AdminWorld;
let acmeTask: string;
let globexTask: string;

beforeAll(async () => {
  world = await startAdminWorld();
  [acmeTask, globexTask] = await Promise.all([callAs(world, 'acme'), callAs(world, 'globex')]);
});
afterAll(() => world.stop());

/** Asks with any headers, also those that fetch does not let through. */
const raw = (path: string, headers: Record<string, string>, method = 'GET', body = ''): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(`${world.system.adminUrl}${path}`, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end(body);
  });

test('every route of the table lets in its own roles and no other, and nobody without a key', async () => {
  const denied: string[] = [];
  for (const { method, path, access } of adminRoutes) {
    const at = path.replace(/\{kind\}/, 'model').replace(/\{\w+\}/g, 'nothing-0');
    for (const role of roles) {
      // A body that no schema takes: who is let in is told so, and nothing is changed.
      const response = await world.ask(at, world.keys[role], { method, ...(method === 'POST' && { body: '[]' }) });
      await response.body?.cancel();
      const isLetIn = response.status !== 403 && response.status !== 401;
      if (isLetIn !== access.includes(role)) denied.push(`${method} ${path} as ${role}: ${response.status}`);
    }
    expect(await raw(at, {}, method)).toBe(401);
  }
  expect(denied).toEqual([]);
  expect(adminRoutes.length).toBeGreaterThan(25);
});

test('a route that callers may ask takes a client, so that it can be bound to theirs', () => {
  const open = adminRoutes.filter(({ access }) => access.includes('caller'));
  const unbound = open.filter(({ query }) => !query || !('client' in query.shape)).map(({ path }) => path);
  expect(unbound).toEqual([]);
});

test('a caller sees its own calls, tasks and decisions, and nothing of another client', async () => {
  const { json, ask, keys } = world;
  const { calls } = (await json('/admin/v1/calls', keys.caller)) as { calls: { client: string }[] };
  expect(new Set(calls.map(({ client }) => client))).toEqual(new Set(['acme']));
  expect((await ask('/admin/v1/calls?client=globex', keys.caller)).status).toBe(403);
  expect(await json('/admin/v1/calls?client=ACME', keys.caller)).toEqual({ calls });
  // A name in another spelling must not tell the slug that a foreign client has.
  const foreign = await ask('/admin/v1/calls?client=GLOBEX', keys.caller);
  expect([foreign.status, await foreign.text()]).toEqual([403, expect.not.stringContaining('globex')]);
  for (const path of ['tasks', 'decisions']) {
    expect((await ask(`/admin/v1/${path}/${acmeTask}`, keys.caller)).status).toBe(200);
    expect((await ask(`/admin/v1/${path}/${globexTask}`, keys.caller)).status).toBe(404);
    expect((await ask(`/admin/v1/${path}/${acmeTask}`, world.foreignKey)).status).toBe(404);
  }
  const exported = await (await ask('/admin/v1/calls/export', keys.caller)).text();
  expect(exported).toContain(acmeTask);
  expect(exported).not.toContain(globexTask);
});

test('the cookie of a session is for this site alone and hidden from scripts, and ends with its key', async () => {
  const { system, keys } = world;
  const made = await world.json('/admin/v1/keys', keys.owner, post({ client: 'Acme', note: 'for a session' }));
  const login = (): Promise<Response> =>
    fetch(`${system.adminUrl}/admin/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: system.adminUrl },
      body: JSON.stringify({ key: made['key'] }),
    });
  let answer = await login();
  while (answer.status === 401) answer = await login();
  expect(answer.status).toBe(200);
  const cookie = answer.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
  const pair = cookie.split(';')[0] ?? '';
  expect(await raw('/admin/v1/calls', { cookie: pair })).toBe(200);
  expect(await raw('/admin/v1/now', { cookie: pair })).toBe(403);
  expect(await raw('/admin/v1/calls', { cookie: `${pair}; ${pair}x` })).toBe(401);
  await world.json(`/admin/v1/keys/${String(made['id'])}`, keys.owner, { method: 'DELETE' });
  await expect.poll(() => raw('/admin/v1/calls', { cookie: pair })).toBe(401);
});

test('a page of another origin, and a name that is not this host, are refused on every path', async () => {
  const key = { authorization: `Bearer ${world.keys.owner}` };
  const own = new URL(world.system.adminUrl);
  for (const path of ['/admin/v1/now', '/admin/v1/session', '/admin/v1/openapi.json']) {
    expect(await raw(path, { ...key, origin: 'https://evil.example' })).toBe(403);
    expect(await raw(path, { ...key, origin: `http://127.0.0.1:${Number(own.port) + 1}` })).toBe(403);
    expect(await raw(path, { ...key, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await raw(path, { ...key, host: 'evil.example' })).toBe(403);
    expect(await raw(path, { ...key, origin: own.origin })).toBe(200);
  }
  expect(await raw('/', { host: 'evil.example' })).toBe(403);
  const { headers } = await fetch(`${world.system.adminUrl}/`);
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*require-trusted-types-for 'script'/);
});

test('an owner applies with a note, sees the difference, rolls back, and the audit log tells it by key', async () => {
  const { json, ask, keys } = world;
  const files = [{ path: 'globex.yaml', text: 'kind: client\nname: Globex\ndata_rules: { avoid_cloud: true }' }];
  const dry = await json('/admin/v1/dry-run', keys.operator, post({ files }));
  expect(dry['changes']).toMatchObject([{ kind: 'client', slug: 'globex', action: 'updated' }]);
  expect((await ask('/admin/v1/apply', keys.owner, post({ files }))).status).toBe(400);
  const applied = await json('/admin/v1/apply', keys.owner, post({ files, note: 'Globex stays at home' }));
  expect(applied).toMatchObject({ problems: [], lagging: [] });
  const diff = await json('/admin/v1/diff?kind=client&slug=globex', keys.auditor);
  expect(diff['changes']).toMatchObject([{ field: 'data_rules.avoid_cloud', after: 'true' }]);
  const before = Number(applied['revision']) - 1;
  await json('/admin/v1/rollback', keys.owner, post({ revision: before, note: 'it may leave again' }));
  const wrong = await json(
    '/admin/v1/dry-run',
    keys.operator,
    post({ files: [{ path: 'x.yaml', text: 'kind: client\nnane: X' }] }),
  );
  expect(wrong['problems']).toMatchObject([
    { path: 'x.yaml', line: 1, field: 'name' },
    { path: 'x.yaml', line: 2, field: 'nane' },
  ]);
  const { entries } = (await json('/admin/v1/audit', keys.auditor)) as { entries: { actor: string; action: string }[] };
  const id = keys.owner.split('-')[2];
  const actions = entries.filter(({ actor }) => actor === `key ${id}`).map(({ action }) => action);
  expect(actions.filter((action) => action === 'documents.changed')).toHaveLength(2);
});

test('views that operators read answer with what the product did', async () => {
  const { json, keys } = world;
  expect(await json('/admin/v1/now', keys.operator)).toMatchObject({ models: expect.arrayContaining([]) as unknown });
  const decision = (await json(`/admin/v1/decisions/${acmeTask}`, keys.operator)) as { order: string[] };
  expect(decision.order).toEqual(['cloud', 'home']);
  expect(await json(`/admin/v1/decisions/${acmeTask}/replay`, keys.operator)).toMatchObject({ is_own: true });
  const explained = await json(
    '/admin/v1/explain',
    keys.operator,
    post({ type: 'text_gen', client: 'Legal', project: 'Case' }),
  );
  expect(explained).toMatchObject({
    set: {
      candidates: [{ model: 'home' }],
      exclusions: expect.arrayContaining([
        expect.objectContaining({
          model: 'cloud',
          rule: 'avoid_cloud',
          // Not its project, which states no rule.
          sources: [
            { kind: 'model', slug: 'cloud', field: 'call_method' },
            { kind: 'client', slug: 'legal', field: 'data_rules.avoid_cloud' },
          ],
        }) as unknown,
      ]) as unknown,
    },
  });
  const data = (await json('/admin/v1/data?client=legal', keys.operator)) as {
    models: { slug: string }[];
    rows: { cells: ({ rule: string }[] | null)[] }[];
  };
  const cell = data.rows[0]?.cells[data.models.findIndex(({ slug }) => slug === 'cloud')];
  expect(cell?.map(({ rule }) => rule)).toEqual(['avoid_cloud']);
  expect(await json('/admin/v1/limits', keys.operator)).toMatchObject({ cooldowns: [] });
  await expect.poll(async () => (await json('/admin/v1/cost', keys.operator))['total']).toMatchObject({ calls: 2 });
  const text = await (
    await world.ask('/admin/v1/run', keys.owner, post({ type: 'text_gen', client: 'Acme', text: 'ping' }))
  ).text();
  expect(text).toMatch(/^event: started\n[\s\S]*event: delta\n[\s\S]*event: end\n/);
});

test('a report of where the calls of a client ran is checked offline, by the audit log alone', async () => {
  const { ask, json, keys, system } = world;
  let report = '';
  /** How many calls the report lacks: records of what was asked before come in batches. */
  const unproved = async (): Promise<number> => {
    const response = await ask('/admin/v1/proof?client=acme', keys.auditor);
    expect(response.status).toBe(200);
    report = await response.text();
    const audit = await readFile(join(system.dataDir, 'audit.jsonl'), 'utf8');
    const { calls } = (await json('/admin/v1/calls?client=acme&limit=500', keys.auditor)) as { calls: unknown[] };
    expect(calls.length).toBeGreaterThan(0);
    return calls.length - verifyReport(report, audit).calls;
  };
  await expect.poll(unproved).toBe(0);
  expect(report).toContain(acmeTask);
  expect(report).toContain('"rule":"route:');
  expect(report).toMatch(/"place":\{"revision":\d+,"callMethod":"API","residency":"US"/);
  expect((await ask('/admin/v1/proof?client=acme', keys.caller)).status).toBe(403);
  const out = join(system.dataDir, 'acme-proof.jsonl');
  const willm = willmAt(system.nats.url);
  expect(await willm('prove', '--client', 'Acme', '--from', '1h', '--out', out)).toMatchObject({ code: 0 });
  const checked = await willm('prove', 'verify', out, '--audit', join(system.dataDir, 'audit.jsonl'));
  expect(checked.out).toMatch(/^\d+ calls in \d+ seals, all as they were sealed/);
});

test('live calls come by the filter of the list', async () => {
  const { system, keys, ask } = world;
  const response = await ask('/admin/v1/events?client=acme', keys.operator);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  const untilTold = async (wanted: string): Promise<void> => {
    while (!text.includes(wanted)) text += decoder.decode((await reader.read()).value, { stream: true });
  };
  await untilTold(':');
  const foreign = await system.client.run({ type: 'text_gen', client: 'globex', input: 'ping' });
  const own = await system.client.run({ type: 'text_gen', client: 'acme', input: 'ping' });
  await untilTold(own.taskId);
  expect(text).not.toContain(foreign.taskId);
  await reader.cancel();
});

test('no text in any field of any route, of any role, makes the API fail, let in, or tell of another client', async () => {
  const isAll = process.env['WILL_ATTACKS'] === 'all';
  const { requests, wrong } = await attackAdminApi(world, [globexTask], isAll);
  expect(wrong).toEqual([]);
  expect(requests).toBeGreaterThan(500);
});

test('the description of the API is valid, and holds every route', async () => {
  const document = await world.json('/admin/v1/openapi.json', world.keys.operator);
  expect(await new Validator().validate(document)).toMatchObject({ valid: true });
  const paths = document['paths'] as Record<string, Record<string, unknown>>;
  for (const { path, method } of adminRoutes) expect(paths[path]?.[method.toLowerCase()]).toBeDefined();
});

test('wrong questions name the field, what was given and what is allowed', async () => {
  const cases: readonly (readonly [string, Role, RequestInit | undefined, number, RegExp])[] = [
    ['/admin/v1/calls?limit=0', 'operator', undefined, 400, /query\.limit/],
    ['/admin/v1/calls?colour=red', 'operator', undefined, 400, /colour/],
    ['/admin/v1/calls?client=a&client=b', 'operator', undefined, 400, /more than once/],
    ['/admin/v1/calls?from=yesterday', 'operator', undefined, 400, /yesterday.*ISO time/],
    ['/admin/v1/nothing', 'operator', undefined, 404, /path/],
    ['/admin/v1/documents/colour/red', 'operator', undefined, 404, /must be one of model/],
    ['/admin/v1/now', 'operator', { method: 'PUT' }, 405, /must be GET/],
    ['/admin/v1/explain', 'operator', post({}), 400, /body\.type/],
  ];
  for (const [path, role, init, status, message] of cases) {
    const response = await world.ask(path, world.keys[role], init);
    const { error } = (await response.json()) as { error: { message: string } };
    expect([path, response.status]).toEqual([path, status]);
    expect(error.message).toMatch(message);
  }
});
