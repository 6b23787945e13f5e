import { newId } from '@will/contracts';
import type { AnyDocument } from '@will/core';
import { type ReplayingUpstream, type SeenRequest, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply } from '../support/ask.ts';
import { startSystem, type System } from '../support/system.ts';
import { failingScript } from './failing-script.ts';
import { whyForbidden } from './oracle.ts';
import { Random } from './random.ts';
import { type Address, makeDocuments, makeTask, type WorldTask } from './world.ts';

// Random registries, each applied live, over the real bus; counted at the upstream. The whole is 200 registries of 500
// tasks: WILL_WORLDS=200 WILL_WORLD_TASKS=500.

const worlds = Number(process.env['WILL_WORLDS'] ?? 6);
const tasksPerWorld = Number(process.env['WILL_WORLD_TASKS'] ?? 60);
const tasksAtOnce = 24;
/** A request may be on its way for so long, on a busy machine: what was right when it left was right. */
const onItsWayMs = 3_000;

let upstream: ReplayingUpstream;
let system: System;
/** The upstream under a private address, and under one that is none. */
let addresses: readonly Address[];

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  addresses = [
    { url: `${upstream.url}/v1`, isPrivate: true },
    { url: `${upstream.url.replace('127.0.0.1', '0.0.0.0')}/v1`, isPrivate: false },
  ];
  system = await startSystem({
    documents: { 'first.yaml': fileOf(makeWorld(new Random(0), 'first')) },
    counts: { 'provider-worker': 2 },
  });
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});

function makeWorld(random: Random, name: string): readonly AnyDocument[] {
  return makeDocuments(random, {
    addresses,
    mayBeFiles: false,
    providerModel: (slug) => `${name}.${slug}`,
    // Tags that end 30 s later end while the world's tasks run.
    nowMs: Date.now() - 29_500,
  });
}

/** JSON is YAML too. */
const fileOf = (documents: readonly AnyDocument[]): string =>
  documents.map(({ kind, body }) => JSON.stringify({ kind, ...body })).join('\n---\n');

interface Count {
  tasks: number;
  answered: number;
  requests: number;
  fallbacks: number;
  forbidden: string[];
}

async function runWorld(name: string, random: Random, count: Count): Promise<void> {
  const documents = makeWorld(random, name);
  for (const { kind, body } of documents)
    if (kind === 'model') upstream.script(`${name}.${body.slug}`, ...failingScript(random, tasksPerWorld));
  const applied = await apply(system, fileOf(documents), { prune: true });
  expect(applied.problems).toEqual([]);
  expect(applied.lagging).toEqual([]);
  upstream.clear();
  const tasks = new Map<string, WorldTask>();
  const left = Array.from({ length: tasksPerWorld }, () => makeTask(random)).values();
  const lane = async (): Promise<void> => {
    for (const task of left) {
      const id = newId();
      tasks.set(id, task);
      count.tasks += 1;
      if (await run(task, id)) count.answered += 1;
    }
  };
  await Promise.all(Array.from({ length: tasksAtOnce }, lane));
  count.requests += upstream.requests.length;
  const calledTasks = new Set(upstream.requests.map(taskIdOf));
  count.fallbacks += upstream.requests.length - calledTasks.size;
  for (const request of upstream.requests) {
    const wrong = wrongIn(request, name, documents, tasks.get(taskIdOf(request)));
    if (wrong !== undefined) count.forbidden.push(`${request.model}: ${wrong}`);
  }
}

async function run(task: WorldTask, id: string): Promise<boolean> {
  const { project, reflex, dataClass, model, inputTokens, ...facts } = task;
  try {
    await system.client.run({
      ...facts,
      ...(project !== undefined && { project }),
      ...(reflex !== undefined && { reflex }),
      ...(dataClass !== undefined && { dataClass }),
      ...(model !== undefined && { model }),
      // Three bytes are counted as a token.
      input: id.padEnd(3 * inputTokens),
      timeoutMs: 60_000,
    });
    return true;
  } catch {
    return false;
  }
}

function taskIdOf({ body }: SeenRequest): string {
  const messages = body['messages'] as readonly { readonly role: string; readonly content: string }[];
  return messages.find(({ role }) => role === 'user')?.content.trim() ?? '';
}

function wrongIn(
  { model, atMs }: SeenRequest,
  world: string,
  documents: readonly AnyDocument[],
  task: WorldTask | undefined,
): string | undefined {
  if (!task) return 'of no task of this world';
  const [name, slug = ''] = model.split('.');
  if (name !== world) return 'a record that was replaced';
  const isPrivate = (url: string): boolean => addresses.find((address) => address.url === url)?.isPrivate === true;
  // Tags end while it runs: what was right a moment before it arrived, or is right now, was right.
  const why = [atMs - onItsWayMs, atMs].map((when) => whyForbidden(documents, task, slug, when, isPrivate));
  return why.includes(undefined) ? undefined : `${why.join(', ')}: ${JSON.stringify(task)}`;
}

test(`in ${worlds} registries applied live, ${tasksPerWorld} tasks each, no call is forbidden, fallbacks included`, async () => {
  const count: Count = { tasks: 0, answered: 0, requests: 0, fallbacks: 0, forbidden: [] };
  for (let n = 0; n < worlds; n += 1) await runWorld(`w${n}`, new Random(1_000 + n), count);
  const { forbidden, ...figures } = count;
  process.stdout.write(`${JSON.stringify({ ...figures, forbidden: forbidden.length })}\n`);
  expect(forbidden.slice(0, 3)).toEqual([]);
  expect(figures.tasks).toBe(worlds * tasksPerWorld);
  expect(figures.answered).toBeGreaterThan(figures.tasks / 4);
  expect(figures.fallbacks).toBeGreaterThan(figures.tasks / 20);
}, 3_600_000);
