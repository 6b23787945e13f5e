import { request } from 'node:http';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { measures } from './measures.ts';
import { observe } from './observe.ts';
import { parseObserveSettings } from './settings.ts';

const silent = { warn: () => {} };
const bus = { isConnected: true };
const snapshots = { current: { revision: 7 }, ageMs: () => 500 };

test('without any setting nothing is opened, sent or loaded', async () => {
  const observing = await observe('test', {}, silent);
  observing.count(measures.calls, 1, { model: 'a' });
  observing.time(measures.inferenceDuration, 1);
  observing.watch(measures.demand, () => {
    throw new Error('nobody looks');
  });
  expect(observing.url).toBe('');
  await observing.stop();
  const { sendsTraces, sendsMetrics, port } = parseObserveSettings({});
  expect({ sendsTraces, sendsMetrics, port }).toEqual({ sendsTraces: false, sendsMetrics: false, port: undefined });
});

test('the standard variables say what is sent; what cannot be done is refused with what can', () => {
  const of = (env: Record<string, string>) => {
    const { sendsTraces, sendsMetrics } = parseObserveSettings(env);
    return [sendsTraces, sendsMetrics];
  };
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  expect(of(endpoint)).toEqual([true, true]);
  expect(of({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toEqual([false, false]);
  expect(of({ ...endpoint, OTEL_METRICS_EXPORTER: 'none' })).toEqual([true, false]);
  expect(of({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://collector:4318/v1/metrics' })).toEqual([false, true]);
  expect(of({ OTEL_TRACES_EXPORTER: 'otlp' })).toEqual([true, false]);
  expect(() => of({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow('"grpc" must be http/protobuf');
  expect(() => of({ OTEL_TRACES_EXPORTER: 'zipkin' })).toThrow('must be otlp or none');
  expect(() => parseObserveSettings({ OTEL_TRACES_SAMPLER: 'often' })).toThrow('must be one of always_on');
  expect(() => parseObserveSettings({ WILL_METRICS_PORT: 'x' })).toThrow('must be a whole number from 0 to 65535');
});

test('web pages read no figures', async () => {
  const observing = await observe('test', { WILL_METRICS_PORT: '0', WILL_HTTP_HOSTS: 'metrics.example' }, silent);
  const statusOf = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const asked = request(`${observing.url}/metrics`, { headers, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject).end();
    });
  expect(await statusOf({ host: 'metrics.example:9464' })).toBe(200);
  expect(await statusOf({ host: 'rebound.example' })).toBe(403);
  expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
  expect(await statusOf({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  await observing.stop();
});

test('figures are read when they are asked for, and readiness follows the bus and the documents', async () => {
  const observing = await observe('test', { WILL_METRICS_PORT: '0' }, silent);
  const get = async (path: string) => {
    const answer = await fetch(`${observing.url}${path}`);
    return [answer.status, await answer.text()] as const;
  };
  expect(await get('/readyz')).toEqual([503, 'starting\n']);
  const state = { ...bus };
  observing.watchDocuments(state, snapshots);
  observing.count(measures.calls, 2, { model: 'a', outcome: 'Success' });
  observing.time(measures.inferenceDuration, 0.03, { model: 'a' });
  expect(await get('/readyz')).toEqual([200, 'ok\n']);
  expect(await get('/livez')).toEqual([200, 'ok\n']);
  const [, text] = await get('/metrics');
  expect(text).toContain('will_calls_total{model="a",outcome="Success"} 2\n');
  expect(text).toContain('gen_ai_client_inference_duration_bucket{model="a",le="0.04"} 1\n');
  expect(text).toContain('will_revision 7\n');
  expect(text).toContain('will_snapshot_age_seconds 0.5\n');
  state.isConnected = false;
  expect(await get('/readyz')).toEqual([503, 'NATS is not connected\n']);
  expect((await get('/metrics'))[1]).toContain('will_bus_connected 0\n');
  await expect(observe('second', { WILL_METRICS_PORT: new URL(observing.url).port }, silent)).rejects.toThrow(
    'set WILL_METRICS_PORT to another',
  );
  await observing.stop();
});

test('the page for operators names every figure, and no other', () => {
  const page = readFileSync(new URL('../../../docs/operations/metrics.md', import.meta.url), 'utf8');
  const names = Object.values(measures).map(({ name, kind }) => {
    const plain = name.replaceAll('.', '_');
    return kind === 'counter' || kind === 'sum' ? `${plain}_total` : plain;
  });
  const table = [...page.matchAll(/^\| `((?:will|gen_ai|http)_[a-z_]+)`/gm)].map(([, name]) => name);
  expect(table.toSorted()).toEqual(names.toSorted());
});
