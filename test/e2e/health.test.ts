import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReplayingUpstream, startReplayingUpstream, tinyGguf } from '@will/testkit';
import { openCooldowns } from '@will/bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { isServed, startSystem, type System } from '../support/system.ts';
import { freePort } from '@will/testkit';

// A server of one's own that goes and comes, and a model's process that is killed.

let port: number;
let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  port = await freePort();
  upstream = await startReplayingUpstream({ port });
  const endpoint = `${upstream.url}/v1`;
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'Server', endpoint }),
        modelDocument({ name: 'File', callMethod: 'on-device', provider: 'gguf', path: 'late.gguf', tags: 'noise' }),
        modelDocument({ name: 'Shaky', tags: 'shaky', endpoint }),
        modelDocument({ name: 'Stand-in', tags: 'shaky', endpoint }),
        routeDocument('text_gen', 'Server'),
        routeDocument('shaky', 'Shaky', 'Stand-in'),
        routeDocument('noise', 'File'),
      ),
    },
    env: { WILL_HEALTH_SCHEDULE: '* * * * * *' },
  });
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});

const run = (type: string) => system.client.run({ type, input: 'Hello', timeoutMs: 15_000 });
const reasonOf = (model: string): string | undefined =>
  [...system.processes.processes.values()].flatMap(({ models }) => models).find((served) => served.model === model)
    ?.reason;

test('a server that is gone takes its model out with a reason, and back by itself when it is there again', async () => {
  await system.untilServed('server');
  expect((await run('text_gen')).outcome).toBe('Success');
  await upstream.close();
  // The call that fails tells, before anybody looks.
  const failed = await run('text_gen').catch((error: unknown) => error as { code?: string });
  expect(failed).not.toMatchObject({ outcome: 'Success' });
  await system.until((view) => !isServed(view, 'server'), 'the model to be out');
  expect(reasonOf('server')).toMatch(/does not answer/);
  upstream = await startReplayingUpstream({ port });
  await system.untilServed('server');
  await expect.poll(async () => (await run('text_gen').catch(() => undefined))?.outcome).toBe('Success');
});

test('a cooldown ends early once a health check succeeds again', async () => {
  const cooldowns = await openCooldowns(system.bus, Date.now);
  const ends: number[] = [];
  const stop = cooldowns.onChange((model) => model === 'shaky' && ends.push(cooldowns.cooldownOf(model)?.untilMs ?? 0));
  upstream.script('GET /v1/models', { kind: 'status', status: 503 });
  upstream.script('GET /health', { kind: 'status', status: 503 });
  upstream.script('shaky', { kind: 'status', status: 500 });
  await system.untilServed('shaky');
  // Together, so that the breaker opens before a look takes the model out.
  const first = await Promise.all(Array.from({ length: 8 }, () => run('shaky')));
  expect(new Set(first.map(({ model }) => model))).toEqual(new Set(['stand-in']));
  await expect.poll(() => ends.length).toBeGreaterThan(0);
  await system.until((view) => !isServed(view, 'shaky'), 'the model to be out');
  upstream.script('GET /v1/models', { kind: 'answer' });
  upstream.script('GET /health', { kind: 'status', status: 404 });
  upstream.script('shaky', { kind: 'answer' });
  await expect.poll(async () => (await run('shaky')).model).toBe('shaky');
  // The breaker's guess, perhaps of each worker; the health check's word; and the call that showed it well, whose word may come
  // after its answer.
  await expect.poll(() => ends.at(-1)).toBe(0);
  stop();
  cooldowns.stop();
  expect(Math.min(...ends.slice(1, -1))).toBeLessThan(ends[0] as number);
});

test('a file that was not there is served once it is', async () => {
  expect(reasonOf('file')).toBe('file late.gguf is not there or cannot be read');
  await writeFile(join(system.dataDir, 'late.gguf'), tinyGguf());
  await system.untilServed('file');
  expect((await run('noise')).outcome).toBe('Success');
});

test('a model’s process that is killed is started again, and the worker lives on', async () => {
  const [worker] = system.of('provider-worker');
  const pid = await computingProcessOf(worker?.pid ?? 0);
  process.kill(pid, 'SIGKILL');
  await expect.poll(async () => (await run('noise').catch(() => undefined))?.outcome).toBe('Success');
  expect(await computingProcessOf(worker?.pid ?? 0)).not.toBe(pid);
});

/** The one process below a worker that computes a model. */
async function computingProcessOf(worker: number): Promise<number> {
  const threads = await readdir(`/proc/${worker}/task`);
  const children = await Promise.all(
    threads.map((thread) => readFile(`/proc/${worker}/task/${thread}/children`, 'utf8')),
  );
  const [pid, ...others] = children.flatMap((line) => line.trim().split(' ')).filter((each) => each !== '');
  if (pid === undefined || others.length > 0) throw new Error('which process computes is not clear');
  return Number(pid);
}
