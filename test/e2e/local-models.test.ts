import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tinyGguf } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Models in the worker's own processes, through the whole product. `WILL_ALTERNATING_CALLS` sets how many calls.

const calls = Number(process.env['WILL_ALTERNATING_CALLS'] ?? 40);
const page = await readFile(
  fileURLToPath(new URL('../../packages/providers/src/ocr/__fixtures__/page.png', import.meta.url)),
);
let system: System;

beforeAll(async () => {
  const file = (name: string, path: string, tags: string): string =>
    modelDocument({ name, callMethod: 'on-device', provider: 'gguf', path, tags, concurrency: 2 });
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        file('One', 'one.gguf', 'one'),
        file('Two', 'two.gguf', 'two'),
        file('Large', 'large.gguf', 'large').replace('path: large.gguf', 'path: large.gguf, memory_mb: 4096'),
        modelDocument({ name: 'Reader', callMethod: 'on-device', provider: 'tesseract', tags: 'ocr' }),
        ...['one', 'two'].map((name) => routeDocument(name, name)),
        routeDocument('ocr', 'Reader'),
      ),
    },
    counts: { 'provider-worker': 0 },
  });
  for (const name of ['one', 'two', 'large']) await writeFile(join(system.dataDir, `${name}.gguf`), tinyGguf());
  // Room for one of them, and for the reader alone.
  await system.add('provider-worker', { WILL_MODEL_MEMORY_MB: '330' });
  await system.untilServed('one', 'two', 'reader');
});
afterAll(() => system.stop());

test('two models in the room of one: calls in alternation are done with at most ten loads', async () => {
  const worker = system.of('provider-worker')[0]?.pid ?? 0;
  const seen = new Set<string>();
  let most = 0;
  const looking = setInterval(() => {
    const now = computingProcessesOf(worker);
    most = Math.max(most, now.length);
    for (const pid of now) seen.add(pid);
  }, 20);
  const startedMs = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: calls }, (_, n) =>
      system.client
        .run({
          type: n % 2 === 0 ? 'one' : 'two',
          input: 'Hello',
          maxOutputTokens: 4,
          timeoutMs: 300_000,
        })
        .then(
          ({ outcome }) => outcome,
          (error: unknown) => String(error),
        ),
    ),
  );
  clearInterval(looking);
  process.stdout.write(
    `${calls} calls for two models in the room of one: ${seen.size} loads, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`,
  );
  expect(outcomes.filter((outcome) => outcome !== 'Success')).toEqual([]);
  expect(most).toBe(1);
  expect(seen.size).toBeGreaterThan(0);
  expect(seen.size).toBeLessThanOrEqual(10);
});

test('a model that does not fit is not loaded, and its worker says so with the numbers', () => {
  const [large] = [...system.processes.processes.values()]
    .flatMap(({ models }) => models)
    .filter(({ model }) => model === 'large');
  expect(large?.reason).toBe(
    'model large does not fit: it needs 4096 MiB (local.memory_mb 4096), and models may take 330 MiB here',
  );
});

test('a rendered page goes through the product and comes back as its text', async () => {
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${page.toString('base64')}` } };
  const answer = await system.client.run({
    type: 'ocr',
    input: { messages: [{ role: 'user', content: [image] }] },
    timeoutMs: 300_000,
  });
  expect(answer.output).toBe(
    'Invoice 2026-1123 of Acme Legal\nTwo hours of advice: 480.00 EUR\nPlease pay within 14 days.\nThank you!\n',
  );
});

test('a process that is killed within an answer: a typed error after content, and the next call works', async () => {
  const worker = system.of('provider-worker')[0]?.pid ?? 0;
  await system.client.run({ type: 'one', input: 'Hello', maxOutputTokens: 4, timeoutMs: 300_000 });
  const [pid] = computingProcessesOf(worker);
  let isKilled = false;
  // At this temperature it talks on to its maximum.
  const input = { messages: [{ role: 'user', content: 'Hello' }], temperature: 0 };
  const stream = system.client.stream({ type: 'one', input, maxOutputTokens: 1_500, timeoutMs: 300_000 });
  const reading = (async () => {
    for await (const _piece of stream) {
      if (!isKilled) process.kill(Number(pid), 'SIGKILL');
      isKilled = true;
    }
  })();
  await expect(reading).rejects.toMatchObject({ name: 'TaskError', code: 'truncated' });
  expect(isKilled).toBe(true);
  const next = await system.client.run({ type: 'one', input: 'Hello', maxOutputTokens: 4, timeoutMs: 300_000 });
  expect(next.outcome).toBe('Success');
});

/** Processes that compute a model for a worker, but for those that only read text. */
function computingProcessesOf(worker: number): string[] {
  try {
    return readdirSync(`/proc/${worker}/task`)
      .flatMap((thread) => readFileSync(`/proc/${worker}/task/${thread}/children`, 'utf8').trim().split(' '))
      .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('gguf/child'));
  } catch {
    // One ended meanwhile.
    return [];
  }
}
