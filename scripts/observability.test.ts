import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { observabilityFiles, shippedQueries } from './observability.ts';
import { objectives } from './observability/rules.ts';
import { programInImage, servicesIn } from './bundle.ts';
import { root } from './paths.ts';

const promtool = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'promtool'))
  .find((path) => existsSync(path));
const folder = mkdtempSync(join(tmpdir(), 'will-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

const metricsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/\b(?:will_|gen_ai_client_|http_server_)\w+/g)].map(([name]) => name)),
];

test('dashboards and alerts are what their source says: `npm run observability`', () => {
  const files = observabilityFiles();
  expect(files.size).toBe(6);
  for (const [path, text] of files) expect([path, readFileSync(join(root, path), 'utf8')]).toEqual([path, text]);
});

test('every metric that a query reads is one that the product has', () => {
  const page = readFileSync(join(root, 'docs/operations/metrics.md'), 'utf8');
  const labels = /gen_ai_request_model/;
  const read = metricsIn(shippedQueries().join('\n')).filter((name) => !labels.test(name));
  expect(read.length).toBeGreaterThan(15);
  for (const name of read) expect(page).toContain(`\`${name.replace(/_(bucket|count|sum)$/, '')}`);
});

const run = (args: readonly string[]): Promise<string> =>
  new Promise((resolve) =>
    execFile(promtool as string, [...args], { cwd: folder }, (error, out, err) =>
      resolve(`${error ? 'FAILED ' : ''}${out}${err}`),
    ),
  );

/** Series that go on as they are for an hour. */
const steady = (series: string, value: string) => ({ series, values: value });

const ends = (success: number, others: Readonly<Record<string, number>>) =>
  Object.entries({ Success: success, ...others }).map(([end, each]) =>
    steady(`will_tasks_total{type="text_gen",end="${end}"}`, `0+${each}x120`),
  );

async function burning(series: readonly object[]): Promise<string> {
  const rules = 'deploy/helm/will/files/rules.yaml';
  writeFileSync(join(folder, 'rules.yaml'), readFileSync(join(root, rules)));
  const alerts = { eval_time: '1h30m', alertname: 'WillBudgetBurns_availability', exp_alerts: [] };
  const file = {
    rule_files: ['rules.yaml'],
    evaluation_interval: '1m',
    tests: [{ interval: '1m', input_series: series, alert_rule_test: [alerts] }],
  };
  writeFileSync(join(folder, 'test.yaml'), stringify(file));
  return await run(['test', 'rules', 'test.yaml']);
}

test.skipIf(!promtool)('Prometheus takes the rules', async () => {
  expect(objectives).toHaveLength(3);
  const told = await run(['check', 'rules', join(root, 'deploy/helm/will/files/rules.yaml')]);
  expect(told).toContain('SUCCESS');
});

test.skipIf(!promtool)('what a rule blocked, a caller cancelled or a budget forbade burns no budget', async () => {
  const told = await burning(
    ends(100, { BLOCKED: 500, CANCELLED: 50, INVALID_TASK: 80, BUDGET_EXHAUSTED: 70, UNKNOWN_MODEL: 9 }),
  );
  expect(told).toContain('SUCCESS');
});

test.skipIf(!promtool)('failures of ours burn it', async () => {
  const told = await burning(ends(100, { ALL_FAILED: 20 }));
  expect(told).toContain('FAILED');
  expect(told).toMatch(/severity="page"|severity: page|page/);
});

/** What the autoscaler asks, as the chart has it. */
const demandQuery = (): string => {
  const object = parse(readFileSync(join(root, 'deploy/kubernetes/keda/worker-llama.yaml'), 'utf8')) as {
    spec: { triggers: [{ metadata: { query: string } }] };
  };
  return object.spec.triggers[0].metadata.query;
};

const demandOf = async (series: readonly object[], expected: number): Promise<string> => {
  const test = {
    interval: '15s',
    input_series: series,
    promql_expr_test: [{ expr: demandQuery(), eval_time: '1m', exp_samples: [{ labels: '{}', value: expected }] }],
  };
  writeFileSync(join(folder, 'demand.yaml'), stringify({ evaluation_interval: '15s', tests: [test] }));
  return await run(['test', 'rules', 'demand.yaml']);
};

test.skipIf(!promtool)('demand scales from zero: it is known without a worker, and 0 where no task asks', async () => {
  const waiting = steady('will_model_demand{model="llama",pod="router-1"}', '3x8');
  const inFlight = steady('will_model_in_flight{model="llama",pod="worker-1"}', '4x8');
  expect(await demandOf([waiting], 3)).toContain('SUCCESS');
  expect(await demandOf([waiting, inFlight], 7)).toContain('SUCCESS');
  expect(await demandOf([inFlight], 4)).toContain('SUCCESS');
  expect(await demandOf([steady('will_revision', '1x8')], 0)).toContain('SUCCESS');
});

test('compose starts every service, by its program, without rights of its own', () => {
  interface Service {
    readonly command?: readonly string[];
    readonly read_only?: boolean;
    readonly user?: string;
  }
  const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as {
    services: Readonly<Record<string, Service>>;
  };
  const programs = servicesIn(root).map(programInImage);
  expect(programs.length).toBeGreaterThan(6);
  for (const program of programs) {
    const found = Object.values(services).find(({ command }) => command?.at(-1) === program);
    expect([program, found?.read_only, found?.user]).toEqual([program, true, '1000:1000']);
  }
});
