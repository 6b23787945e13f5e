import type { Snapshot } from '@will/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestKeys, testKeys } from '../../testing/test-keys.ts';
import { sampleSnapshot, startTestServer, type TestServer } from '../../testing/test-server.ts';

// By a key, what is another client's takes as long as what is not there: both look up the same things, one by one.
// `npm run names:time` measures it.

let server: TestServer;
let keys: TestKeys;
const lookups: string[] = [];

/** A map that tells what is looked up in it, and whether it was there. */
class Told<V> extends Map<string, V> {
  readonly #name: string;

  constructor(name: string, entries: ReadonlyMap<string, V>) {
    super(entries);
    this.#name = name;
  }

  override get(key: string): V | undefined {
    const found = super.get(key);
    lookups.push(`${this.#name} ${key} ${found === undefined ? 'missed' : 'hit'}`);
    return found;
  }

  override has(key: string): boolean {
    const isThere = super.has(key);
    lookups.push(`${this.#name} ${key} ${isThere ? 'hit' : 'missed'}`);
    return isThere;
  }
}

function toldSnapshot(): Snapshot {
  const snapshot = sampleSnapshot();
  return {
    ...snapshot,
    clients: new Told('clients', snapshot.clients),
    projects: new Told('projects', snapshot.projects),
    clientSlugs: new Told('client names', snapshot.clientSlugs),
    projectSlugs: new Told('project names', snapshot.projectSlugs),
  };
}

beforeAll(async () => {
  keys = testKeys();
  server = await startTestServer(100, keys.guard);
  server.backends.snapshot = toldSnapshot();
});
afterAll(() => server.stop());

const chat = { model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] };
type Ask = (said: string, key: string) => Promise<number>;
const post = async (path: string, body: object, key: string, headers = {}): Promise<number> => {
  const all = { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers };
  return (await fetch(`${server.url}${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) })).status;
};
const asks: readonly (readonly [string, readonly [own: string, foreign: string, unknown: string], Ask])[] = [
  [
    'project',
    ['site', 'merger-7', 'merger-8'],
    (said, key) => post('/v1/chat/completions', chat, key, { 'x-will-project': said }),
  ],
  [
    'project in a body',
    ['site', 'Merger 7', 'Merger 8'],
    (project, key) => post('/v1/tasks', { type: 'text_gen', input: 'x', project }, key),
  ],
  [
    'client',
    ['acme', 'globex', 'globux'],
    (said, key) => post('/v1/chat/completions', chat, key, { 'x-will-client': said }),
  ],
];

test.each(asks)('a %s of another client and one that is not there are looked up alike', async (_what, names, ask) => {
  const key = await keys.give('acme', 'caller');
  const lookedUp = async (said: string): Promise<readonly [number, readonly string[]]> => {
    lookups.length = 0;
    return [await ask(said, key), lookups.map((line) => line.replaceAll(said, 'it'))];
  };
  const [own, foreign, unknown] = names;
  // The first one also sorts the names by their owners.
  await ask(own, key);
  const [foreignStatus, foreignLookups] = await lookedUp(foreign);
  const [unknownStatus, unknownLookups] = await lookedUp(unknown);
  expect([foreignStatus, unknownStatus]).toEqual([403, 403]);
  expect(foreignLookups).toEqual(unknownLookups);
});

test('the maps tell what is looked up in them', () => {
  lookups.length = 0;
  server.backends.snapshot?.projectSlugs.get('merger-7');
  expect(lookups).toEqual(['project names merger-7 hit']);
});
