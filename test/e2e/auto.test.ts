import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decisionOf } from '../support/ask.ts';
import { documentFile, modelDocument, openByDefault } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// Models ordered by what calls tell of them, on real processes.

let upstream: ReplayingUpstream;
let system: System;

const model = (name: string, latencyMs: number, accuracy: number, usd: number): string =>
  `${modelDocument({ name, tags: 'text_gen, chat, quiet, hush, load, first-token', endpoint: `${upstream.url}/v1` })}
benchmark: { avg_latency_ms: ${latencyMs}, accuracy: ${accuracy}, cost_per_1k_tokens_usd: { input: ${usd}, output: ${usd} } }`;
const service = (name: string, callMethod: 'API' | 'Local', more: string): string =>
  `${modelDocument({ name, callMethod, tags: 'hush, alone, load, first-token', endpoint: `${upstream.url}/v1` })}
benchmark: { avg_latency_ms: 400, accuracy: 9, cost_per_1k_tokens_usd: { input: 0.01, output: 0.01 } }${more}`;
const route = (type: string, mode: string, goal: string): string =>
  `kind: route\nname: ${type}\nprimary: Careful\nfallback_1: Quick\nmode: ${mode}\ngoal: ${goal}`;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        model('Careful', 1_500, 10, 0.03),
        model('Quick', 800, 5, 0.001),
        route('text_gen', 'auto', 'balanced'),
        route('chat', 'shadow', 'cost'),
        route('quiet', 'cascade', 'speed'),
        ...['Silent', 'Loading'].map((name) => service(name, name === 'Silent' ? 'API' : 'Local', '')),
        service('Patient', 'API', '\nadaptive_timeout: no'),
        'kind: route\nname: hush\nprimary: Silent\nfallback_1: Careful',
        'kind: route\nname: alone\nprimary: Silent',
        'kind: route\nname: load\nprimary: Loading\nfallback_1: Careful',
        'kind: route\nname: first-token\nprimary: Patient\nfallback_1: Careful',
        'kind: client\nname: Careful-Ones\nmode: auto\ngoal: quality',
      ),
    },
    counts: { policy: 2, gateway: 1 },
  });
  await system.untilServed('careful', 'quick', 'silent', 'loading', 'patient');
});
afterAll(async () => {
  await system?.stop();
  await upstream.close();
});

const run = (type: string, more: object = {}) =>
  system.client.run({ type, input: 'Hello', timeoutMs: 20_000, ...more });
/** As a stream: what comes in one piece begins when it ends. */
const streamed = (type: string) => system.client.start({ type, input: 'Hello', timeoutMs: 20_000 }, true, () => {});
const willm = (...args: string[]) => willmAt(system.nats.url)(...args);

test('auto goes by the goal, a client may have its own, cascade keeps what is declared and shadow only says', async () => {
  // One in a hundred tasks goes elsewhere first, by its seed.
  const models = await Promise.all(Array.from({ length: 30 }, async () => (await run('text_gen')).model));
  expect(models.filter((one) => one === 'quick').length).toBeGreaterThan(24);
  const own = await Promise.all(
    Array.from({ length: 10 }, async () => (await run('text_gen', { client: 'careful-ones' })).model),
  );
  expect(own.filter((one) => one === 'careful').length).toBeGreaterThan(6);
  expect((await run('text_gen', { priority: 'high' })).model).toBe('careful');
  expect((await run('quiet')).model).toBe('careful');
  const shadow = await run('chat');
  expect(shadow.model).toBe('careful');
  const { set } = await decisionOf(system, shadow.decisionId);
  expect(set?.ranking).toMatchObject({ mode: 'shadow', goal: 'cost', autoChoice: 'quick' });
});

test('every number of the order is told, and the decision is made again from what is kept of it', async () => {
  const { decisionId } = await run('text_gen');
  const { out } = await willm('explain', 'text_gen');
  expect(out).toContain('ordered by balanced: quick first');
  expect(out).toMatch(/quick: worth [\d.-]+ \(success [\d.]+ %, \d+ ms, \$0\.\d+, quality 5\.0 of 10\)/);
  await decisionOf(system, decisionId);
  const replayed = await willm('replay', decisionId);
  expect(replayed.err + replayed.out).not.toMatch(/→/);
  expect(replayed.code).toBe(0);
});

test('a model that slows down or fails gives way within seconds, on every replica of policy alike', async () => {
  upstream.script('quick', { kind: 'status', status: 500 });
  const models: string[] = [];
  for (let n = 0; n < 8; n += 1) models.push((await run('text_gen')).model);
  expect(models.every((one) => one === 'careful')).toBe(true);
  // Tasks go to others at once, since it is cooling down; what is believed of it has changed as well, wherever one asks.
  const deadline = performance.now() + 15_000;
  let success = 1;
  while (success > 0.97 && performance.now() < deadline) success = await successOf('quick');
  expect(success).toBeLessThan(0.97);
  upstream.script('quick', { kind: 'answer' });
});

test('what people say of outputs moves the quality that is believed', async () => {
  const { taskId, model: answered } = await run('quiet');
  expect(answered).toBe('careful');
  const before = await qualityOf('careful');
  // Records travel in batches.
  let said = await willm('feedback', taskId, '--score', '1');
  for (let n = 0; n < 50 && said.code !== 0; n += 1) said = await willm('feedback', taskId, '--score', '1');
  expect(said.out).toBe('1 of 10 for careful\n');
  const deadline = performance.now() + 10_000;
  let after = before;
  while (after >= before && performance.now() < deadline) after = await qualityOf('careful');
  expect(after).toBeLessThan(before);
  expect((await willm('feedback', taskId, '--score', '11')).code).not.toBe(0);
  const byHttp = await fetch(`${system.httpUrl}/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-will-client': 'test' },
    body: JSON.stringify({ task_id: taskId, score: 9 }),
  });
  expect(await byHttp.json()).toEqual({ task_id: taskId, model: 'careful', score: 9 });
  expect((await willm('feedback', 'no-such-task', '--thumbs', 'up')).err).toContain(
    'no model is known to have answered',
  );
});

/** Of the type of the task that got feedback. */
async function qualityOf(slug: string): Promise<number> {
  const { out } = await willm('explain', 'quiet', '--client', 'careful-ones', '--json');
  const { ranking } = JSON.parse(out) as { ranking?: { models: { model: string; quality: number }[] } };
  return ranking?.models.find(({ model: one }) => one === slug)?.quality ?? Number.NaN;
}

async function successOf(slug: string): Promise<number> {
  const { out } = await willm('explain', 'text_gen', '--json');
  const { ranking } = JSON.parse(out) as { ranking?: { models: { model: string; success: number }[] } };
  return ranking?.models.find(({ model: one }) => one === slug)?.success ?? Number.NaN;
}

test('a service that is silent gives way long before the deadline, and so the decision says; who may take long is waited for', async () => {
  upstream.script('silent', { kind: 'silent' });
  const { model, attempts, decisionId } = await streamed('hush');
  expect(model).toBe('careful');
  expect(attempts.map(({ model: one, status }) => `${one} ${status}`)).toEqual(['silent Stalled', 'careful Success']);
  const { set } = await decisionOf(system, decisionId);
  const [first] = set?.candidates ?? [];
  expect(first).toMatchObject({ model: 'silent', slowFirstContentMs: expect.any(Number) });
  expect(first?.firstContentTimeoutMs).toBeGreaterThanOrEqual(1_200);
  expect(attempts[0]?.durationMs).toBeGreaterThanOrEqual(first?.firstContentTimeoutMs ?? 0);
  expect((await willm('replay', decisionId)).code).toBe(0);
  expect((await willm('explain', 'hush')).out).toMatch(
    /1\. silent: .*; first content within \d\.\d s while another may follow/,
  );
  // Slower than a service may be, and not given up: it loads, its document says so, or nothing else is there.
  const late = { kind: 'answer', delayMs: 3_000 } as const;
  for (const slug of ['loading', 'patient', 'silent']) upstream.script(slug, late);
  const answered = await Promise.all(['load', 'first-token', 'alone'].map((type) => streamed(type)));
  expect(answered.map(({ model: one }) => one)).toEqual(['loading', 'patient', 'silent']);
});

test('while a service is silent tasks go round it before the first of its calls has ended', async () => {
  upstream.script('silent', { kind: 'silent' });
  const before = upstream.countOf('silent');
  const firsts: { readonly status: string; readonly reason: string }[] = [];
  // The first waits for what never comes; those that come a moment later avoid it.
  const all = Array.from({ length: 40 }, async (_, n) => {
    await new Promise((resolve) => setTimeout(resolve, 40 * n));
    const { model, attempts } = await streamed('hush');
    if (attempts[0]) firsts.push(attempts[0]);
    return model;
  });
  expect(new Set(await Promise.all(all))).toEqual(new Set(['careful']));
  const spared = firsts.filter(({ reason }) => /no first token for \d+ ms|last call failed/.test(reason));
  expect(new Set(spared.map(({ status }) => status))).toEqual(new Set(['Busy']));
  expect(upstream.countOf('silent') - before).toBeLessThan(25);
  upstream.script('silent', { kind: 'answer' });
});
