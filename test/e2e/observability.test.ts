import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connectClient } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { willmAt } from '../support/willm.ts';

// What operators see of tasks on real processes: one trace from the server to the provider, figures, and nothing that was said.

const planted = {
  prompt: `the patient is called ${randomBytes(9).toString('hex')}`,
  key: `sk-planted-${randomBytes(9).toString('hex')}`,
  answer: `the answer holds ${randomBytes(9).toString('hex')}`,
  header: `server-${randomBytes(9).toString('hex')}`,
};

let upstream: ReplayingUpstream;
let collector: Collector;
let system: System;
let folder: string;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  collector = await startCollector();
  folder = await mkdtemp(join(tmpdir(), 'will-observed-'));
  await writeFile(join(folder, 'key'), `${planted.key}\n`);
  const priced = (name: string): string =>
    `${modelDocument({ name, endpoint: `${upstream.url}/v1`, apiKey: pathToFileURL(join(folder, 'key')).href })}
benchmark: { cost_per_1k_tokens_usd: { input: 0.5, output: 1.5 } }
limits: { daily: { requests: 1000 } }`;
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        priced('Good'),
        priced('Broken'),
        modelDocument({ name: 'Narrow', endpoint: `${upstream.url}/v1`, concurrency: 1, tags: 'code' }),
        routeDocument('text_gen', 'Broken', 'Good'),
        routeDocument('code', 'Narrow'),
      ),
    },
    counts: { gateway: 1, tasks: 1 },
    env: {
      WILL_METRICS_PORT: '0',
      WILL_LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
    },
  });
  await system.untilServed('good', 'broken', 'narrow');
  upstream.script('good', { kind: 'answer', text: planted.answer });
  // A vendor's error that quotes what it was sent.
  upstream.script('broken', {
    kind: 'status',
    status: 500,
    body: JSON.stringify({ error: { message: `cannot say ${planted.prompt} with ${planted.key}` } }),
  });
});
afterAll(async () => {
  await system?.stop();
  await collector?.close();
  await upstream?.close();
  await rm(folder, { recursive: true, force: true });
});

const newTrace = (): { traceId: string; traceparent: string } => {
  const traceId = randomBytes(16).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
};

const ask = (headers: Record<string, string>, body: object = {}): Promise<Response> =>
  fetch(`${system.httpUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${planted.header}`, ...headers },
    body: JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: planted.prompt }], ...body }),
  });

/** Names from the root to a span. */
function pathTo(span: CollectedSpan, spans: readonly CollectedSpan[]): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentId);
  return [...(parent ? pathTo(parent, spans) : []), `${span.service} ${span.name}`];
}

const scrape = async (service: string): Promise<string> => {
  const presence = [...system.processes.processes.values()].find((process) => process.service === service);
  const answer = await fetch(`${presence?.metricsUrl}/metrics`);
  expect(answer.status).toBe(200);
  return answer.text();
};

test('one trace goes from the HTTP server through router and worker to the provider, by the caller’s own traceparent', async () => {
  const { traceId, traceparent } = newTrace();
  const answer = await ask({ traceparent });
  expect(answer.status).toBe(200);
  const mine = (spans: readonly CollectedSpan[]): CollectedSpan[] => spans.filter((span) => span.traceId === traceId);
  // Each process sends its own when it likes.
  const wanted = ['POST /v1/chat/completions', 'task text_gen', 'attempt good', 'chat good', 'chat broken'];
  await collector.until(
    (spans) => wanted.every((name) => mine(spans).some((span) => span.name === name)),
    'the spans of a task',
  );
  const spans = mine(collector.spans);
  const good = spans.find(({ name }) => name === 'chat good') as CollectedSpan;
  expect(pathTo(good, spans)).toEqual([
    'will-gateway POST /v1/chat/completions',
    'will-router task text_gen',
    'will-router attempt good',
    'will-provider-worker chat good',
  ]);
  expect(good.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai-compatible',
    'gen_ai.request.model': 'good',
    'gen_ai.usage.input_tokens': expect.any(Number),
    'gen_ai.response.finish_reasons': ['stop'],
  });
  const broken = spans.find(({ name }) => name === 'chat broken') as CollectedSpan;
  expect(broken.isError).toBe(true);
  expect(broken.attributes['error.type']).toBe('ProviderError');
  // The model on our own side of the wire is told which trace it works for.
  const seen = upstream.requests.find(({ model }) => model === 'good');
  expect(seen?.headers['traceparent']).toBe(`00-${traceId}-${good.spanId}-01`);
});

test('a trace through the gRPC server, and one that the bus brings, have the same way down', async () => {
  const client = await connectClient({ servers: `grpc://${system.grpcAddress}`, client: 'test' });
  const before = collector.spans.length;
  await client.run({ type: 'text_gen', input: planted.prompt });
  await client.close();
  await collector.until(
    (spans) =>
      spans
        .slice(before)
        .some((span) => span.name === 'chat good' && pathTo(span, spans)[0] === 'will-gateway will.v1.TaskService/Run'),
    'a task by gRPC',
  );
});

test('a durable task says when it starts, is counted while it waits, and its run is linked to the trace of its submit', async () => {
  const { traceId, traceparent } = newTrace();
  const submit = async (more: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${system.httpUrl}/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent },
      body: JSON.stringify({ type: 'text_gen', input: planted.prompt, ...more }),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const later = new Date(Date.now() + 3_600_000).toISOString();
  expect(await submit({ not_before: later })).toMatchObject({ state: 'waiting', starts_at: later, pickups: 0 });
  await expect.poll(() => scrape('tasks')).toMatch(/will_queue_scheduled\{priority="\w+"\} 1\n/);
  expect(await submit({})).toMatchObject({ starts_at: null });
  await collector.until(
    (spans) => spans.some(({ name, linkedTo }) => name === 'run text_gen' && linkedTo.includes(traceId)),
    'the run of a durable task',
  );
  const run = collector.spans.find(({ name, linkedTo }) => name === 'run text_gen' && linkedTo.includes(traceId));
  expect(run?.traceId).not.toBe(traceId);
  await collector.until(
    (spans) => spans.some((span) => span.name === 'task submit' && span.traceId === traceId),
    'the submit',
  );
});

test('figures for Prometheus count what happened, on every service', async () => {
  const before = await scrape('provider-worker');
  const countIn = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const calls = /will_calls_total\{model="good",outcome="Success",status="Success"\} (\d+)/;
  for (let n = 0; n < 3; n += 1) expect((await ask({})).status).toBe(200);
  const worker = await scrape('provider-worker');
  expect(countIn(worker, calls)).toBe(countIn(before, calls) + 3);
  expect(worker).toMatch(/will_cost_usd_total\{model="good"\} 0\.\d+/);
  expect(worker).toMatch(/gen_ai_client_inference_duration_bucket\{.*le="0\.01"\} \d+/);
  expect(worker).toMatch(/gen_ai_client_inference_usage_input_tokens_total\{.*gen_ai_token_modality="unknown"\} \d+/);
  expect(worker).toMatch(/will_model_slots\{model="narrow"\} 1\n/);
  expect(worker).toMatch(/will_records_dropped_total 0\n/);
  const router = await scrape('router');
  expect(router).toMatch(/will_fallbacks_total\{model="good"\} \d+/);
  expect(router).toMatch(/will_tasks_total\{type="text_gen",end="Success"\} \d+/);
  const gateway = await scrape('gateway');
  expect(gateway).toMatch(
    /http_server_request_duration_count\{http_request_method="POST",http_route="\/v1\/chat\/completions",http_response_status_code="200"\} \d+/,
  );
  await expect.poll(() => scrape('tasks')).toMatch(/will_queue_age_seconds\{priority="normal"\} 0\n/);
  const telemetry = await scrape('telemetry');
  expect(telemetry).toMatch(/will_limit_left\{scope="model",id="good",metric="requests",period="day"\} \d+/);
  for (const service of ['registry', 'policy', 'router', 'provider-worker', 'telemetry', 'gateway', 'tasks'])
    expect(`${service}: ${await scrape(service)}`).toMatch(/will_revision 1\n/);
});

test('tasks that wait for a slot are demand for their model', async () => {
  upstream.script('narrow', { kind: 'answer', delayMs: 1_500 });
  const asked = [1, 2, 3].map(() => ask({}, { model: 'code' }));
  await expect
    .poll(async () => /will_model_demand\{model="narrow"\} (\d+)/.exec(await scrape('router'))?.[1])
    .toMatch(/^[2-9]/);
  upstream.script('narrow', { kind: 'answer' });
  for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
});

test('willm top shows the last minute by model, from the stream alone', async () => {
  const willm = willmAt(system.nats.url);
  // Records are batched for some milliseconds: what was called above is in the stream once telemetry was told.
  const top = async () => {
    const { code, out } = await willm('top', '--json');
    expect(code).toBe(0);
    const { models } = JSON.parse(out) as { models: Record<string, unknown>[] };
    return (name: string) => models.find(({ model }) => model === name);
  };
  // A model stands there with its slots before any call of it does.
  await expect.poll(async () => (await top())('good')?.['calls']).toBeGreaterThan(3);
  await expect.poll(async () => (await top())('broken')?.['calls']).toBeGreaterThan(0);
  const of = await top();
  expect(of('good')).toMatchObject({ slots: 64, errors: 0, p95Ms: expect.any(Number), unknownCosts: 0 });
  expect(of('good')?.['nanoUsdPerHour']).toBeGreaterThan(0);
  expect(of('broken')).toMatchObject({ errors: of('broken')?.['calls'] });
  const table = await willm('top', '--once');
  expect(table.out).toMatch(/MODEL +BUSY +CALLS\/MIN/);
  expect(table.out).toMatch(/^good +0\/64 /m);
});

test('each process says whether it lives and whether it can work', async () => {
  const urls = [...system.processes.processes.values()].map(({ metricsUrl }) => metricsUrl);
  expect(urls).toHaveLength(7);
  for (const url of urls) {
    const paths = ['/livez', '/readyz', '/anything'];
    const statuses = await Promise.all(paths.map(async (path) => (await fetch(`${url}${path}`)).status));
    expect([url, ...statuses]).toEqual([url, 200, 200, 404]);
  }
});

test('what was asked, answered, and the keys are in no span, no figure and no log', async () => {
  // A failure that quotes the prompt and the key, with nothing behind it to fall back to.
  expect((await ask({}, { model: 'broken' })).status).toBeGreaterThanOrEqual(200);
  await ask({ 'x-will-project': planted.prompt }, { model: planted.prompt }).catch(() => {});
  await fetch(`${system.httpUrl}/v1/${planted.header}?key=${planted.key}`);
  const names = ['registry', 'policy', 'router', 'provider-worker', 'telemetry', 'gateway', 'tasks'] as const;
  await collector.until((spans) => spans.some(({ name }) => name === 'GET unknown'), 'the span of an unknown path');
  await expect.poll(() => collector.paths.has('/v1/metrics')).toBe(true);
  const places = new Map<string, string>([['collector', collector.received().toString('latin1')]]);
  for (const name of names) {
    places.set(`metrics of ${name}`, await scrape(name));
    places.set(
      `log of ${name}`,
      system
        .of(name)
        .map((process) => process.log())
        .join(''),
    );
  }
  // The search itself finds what is there.
  expect(places.get('collector')).toContain('text_gen');
  const found = [...places].flatMap(([place, text]) =>
    Object.entries(planted).flatMap(([what, value]) => (text.includes(value) ? [`${what} in ${place}`] : [])),
  );
  expect(found).toEqual([]);
});
