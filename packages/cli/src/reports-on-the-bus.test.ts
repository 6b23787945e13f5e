import { announce } from '@will/bus';
import { subjects, wire } from '@will/contracts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CliOnBus } from './testing/cli-on-bus.ts';

let cli: CliOnBus;
beforeAll(async () => {
  cli = await CliOnBus.start();
});
afterAll(() => cli.stop());
afterEach(() => cli.cleanUp());

const willm = (...args: string[]): ReturnType<CliOnBus['willm']> => cli.willm(...args);

const set = {
  setId: 'set-1',
  revision: 7n,
  dataClass: wire.DataClass.CUSTOMER,
  facts: { taskType: 'text_gen', client: 'acmelegal', priority: wire.Priority.NORMAL },
  candidates: [{ model: 'llama', why: 'route:fallback_3' }],
  exclusions: [{ model: 'gpt-4', rule: 'avoid_cloud', detail: 'call method API' }],
};

test('explain says who may, who may not, and why', async () => {
  const asked = cli.serve(subjects.policyExplain, wire.DecideRequestSchema, wire.DecideResponseSchema, () => ({ set }));
  const { code, out } = await willm(
    'explain',
    'text_gen',
    '--client',
    'AcmeLegal',
    '--data-class',
    'customer',
    '--needs',
    'tools',
    '--at',
    '2026-11-23T21:00:00Z',
  );
  expect(code).toBe(0);
  expect(asked[0]).toMatchObject({
    atUnixMs: BigInt(Date.parse('2026-11-23T21:00:00Z')),
    facts: { taskType: 'text_gen', client: 'acmelegal', dataClass: wire.DataClass.CUSTOMER, needs: ['tools'] },
  });
  expect(out.split('\n').slice(0, 3)).toEqual([
    'text_gen for client acmelegal, normal priority, customer data, revision 7',
    '1. llama: fallback_3 of the route',
    expect.stringContaining('not gpt-4: avoid_cloud (call method API)'),
  ]);
  const asJson = JSON.parse((await willm('explain', 'text_gen', '--json')).out) as object;
  expect(asJson).toMatchObject({ setId: 'set-1', dataClass: 'customer', candidates: [{ model: 'llama' }] });
});

test('explain only counts the models that nothing asks for, and names them with --all', async () => {
  const exclusions = [
    { model: 'painter', rule: 'task_type', detail: 'its tags image_gen do not hold text_gen' },
    { model: 'gpt-4', rule: 'avoid_cloud', detail: 'call method API' },
  ];
  cli.serve(subjects.policyExplain, wire.DecideRequestSchema, wire.DecideResponseSchema, () => ({
    set: { ...set, exclusions },
    notConsidered: ['painter'],
  }));
  const { out } = await willm('explain', 'text_gen');
  expect(out).toContain('1 model is not in its route; --all lists them');
  expect([out.includes('not gpt-4'), out.includes('painter')]).toEqual([true, false]);
  expect((await willm('explain', 'text_gen', '--all')).out).toContain('not painter: task_type');
});

test('explain is exit 1 where no model may do it', async () => {
  cli.serve(subjects.policyExplain, wire.DecideRequestSchema, wire.DecideResponseSchema, () => ({
    set: { ...set, candidates: [] },
  }));
  const { code, out } = await willm('explain', 'text_gen');
  expect(code).toBe(1);
  expect(out).toContain('blocked: no model may do it');
});

const call = {
  attemptId: 'a1',
  taskId: 't1',
  decisionId: 'd1',
  client: 'acmelegal',
  taskType: 'text_gen',
  model: 'llama',
  outcome: 'Timeout',
  status: 'Stalled',
  durationMs: 1_200,
  outputChars: 44,
  startedUnixMs: 1_700_000_000_000n,
  dataClass: wire.DataClass.OPEN,
  usage: { inputTokens: 7, outputTokens: 3 },
};

test('logs shows calls and passes the filters on', async () => {
  const asked = cli.serve(
    subjects.telemetry('calls'),
    wire.QueryCallsRequestSchema,
    wire.QueryCallsResponseSchema,
    () => ({
      calls: [call],
    }),
  );
  const { code, out } = await willm(
    'logs',
    '--client',
    'AcmeLegal',
    '--model',
    'GPT-4',
    '--limit',
    '5',
    '--outcome',
    'Timeout',
  );
  expect(code).toBe(0);
  expect(asked[0]).toMatchObject({ client: 'acmelegal', model: 'gpt-4', limit: 5, outcome: 'Timeout', fromUnixMs: 0n });
  expect(out.split('\n')[1]).toMatch(
    /^2023-11-1\d \d\d:\d\d:20  llama  text_gen   acmelegal  Timeout \(Stalled\)  1200   7 +3     44  d1$/,
  );
  const [first] = JSON.parse((await willm('logs', '--json')).out) as object[];
  expect(first).toMatchObject({
    startedUnixMs: 1_700_000_000_000,
    startedAt: '2023-11-14T22:13:20.000Z',
    dataClass: 'open',
    priority: 'normal',
  });
  expect(first).not.toHaveProperty('$typeName');
});

test('a decision is found by its own id or by its task', async () => {
  const decision = {
    decisionId: 'd1',
    taskId: 't1',
    order: ['llama'],
    skipped: [{ model: 'gpt-4', reason: 'the key is missing' }],
    atUnixMs: 1n,
  };
  cli.serve(
    subjects.telemetry('decision'),
    wire.GetDecisionRequestSchema,
    wire.GetDecisionResponseSchema,
    ({ taskId }) => (taskId === 't1' ? { decision, set } : { error: 'no decision is known of "t1"' }),
  );
  const { code, out } = await willm('decision', 't1');
  expect(code).toBe(0);
  expect(out).toContain('skipped gpt-4: the key is missing');
  expect(out).toContain('1. llama: fallback_3 of the route');
  expect(await willm('decision', 'other')).toMatchObject({ code: 1, err: 'willm: no decision is known of "t1"\n' });
});

test('status shows processes and what is served, also without a registry', async () => {
  expect(await willm('status')).toMatchObject({
    code: 1,
    err: expect.stringContaining('no process has announced itself') as string,
  });
  const worker = await announce(cli.bus, 'provider-worker', () => ({
    revision: 7,
    models: [
      { model: 'llama', capacity: 4, inFlight: 1, reason: '' },
      { model: 'gpt-4', capacity: 0, inFlight: 0, reason: 'the key is missing' },
    ],
  }));
  cli.after(() => worker.stop());
  const { code, out, err } = await willm('status');
  expect(code).toBe(0);
  expect(err).toBe('no registry answers\n');
  expect(out).toMatch(/provider-worker +test-\S+ +7/);
  expect(out).toContain(
    'MODEL  WORKERS  SLOTS  BUSY  NOT SERVED BECAUSE\nllama        1      4     1\ngpt-4        0      0     0  the key is missing\n',
  );
  cli.serve(subjects.registry('status'), wire.StatusRequestSchema, wire.StatusResponseSchema, () => ({
    revision: 7n,
    publishedRevision: 6n,
    counts: [
      { kind: 'model', count: 2 },
      { kind: 'route', count: 1 },
    ],
  }));
  expect((await willm('status')).out).toMatch(/^revision 7 \(on the bus: 6\): 2 models, 1 route\n/);
  expect(JSON.parse((await willm('status', '--json')).out)).toMatchObject({
    revision: 7,
    documents: { model: 2 },
    processes: [{ service: 'provider-worker' }],
  });
});
