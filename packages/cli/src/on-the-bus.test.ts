import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BusError } from '@will/bus';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { newId, parseDocuments, patterns, subjects, wire } from '@will/contracts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CliOnBus } from './testing/cli-on-bus.ts';

let cli: CliOnBus;
beforeAll(async () => {
  cli = await CliOnBus.start();
});
afterAll(() => cli.stop());
afterEach(() => cli.cleanUp());

const willm = (...args: string[]): ReturnType<CliOnBus['willm']> => cli.willm(...args);
const json = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));

test('a bus without the service that is asked is exit 3 and names it', async () => {
  expect(await willm('get', 'models')).toEqual({
    code: 3,
    out: '',
    err: 'willm: the bus answers, but no registry runs on it; run `npm start`\n',
  });
  expect((await willm('explain', 'text_gen')).err).toContain('no policy runs');
  expect((await willm('logs')).err).toContain('no telemetry runs');
});

test('run without a router is a failed task', async () => {
  const { code, out } = await willm('run', 'text_gen', 'hi', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ outcome: 'Blocked', error: { code: 'unavailable', retryable: true } });
});

test('usage shows money and says where it is not known', async () => {
  const sums = { calls: 4n, successes: 3n, inputTokens: 900n, outputTokens: 80n, cachedInputTokens: 100n };
  const asked = cli.serve(
    subjects.telemetry('usage'),
    wire.QueryUsageRequestSchema,
    wire.QueryUsageResponseSchema,
    () => ({
      groups: [
        { ...sums, model: 'gpt-4', costNanoUsd: 4_375_000n, p50Ms: 812, p95Ms: 2_400, p99Ms: 2_400 },
        { ...sums, model: 'llama', unknownCosts: 4n },
      ],
      total: { ...sums, calls: 8n, costNanoUsd: 4_375_000n, unknownCosts: 4n },
    }),
  );
  const { code, out } = await willm('usage', '--by', 'model,type', '--since', '2026-11-01', '--until', '2026-11-02');
  expect(code).toBe(0);
  expect(asked[0]).toMatchObject({
    by: ['model', 'taskType'],
    fromUnixMs: 1_793_491_200_000n,
    toUnixMs: 1_793_577_600_000n,
  });
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(lines.map(([model]) => model)).toEqual(['MODEL', 'gpt-4', 'llama', 'all']);
  expect(lines[1]).toEqual(expect.arrayContaining(['75.0 %', '$0.004375', '812 ms', '2.4 s']));
  expect(lines[2]).toContain('?');
  expect(lines[3]).toContain('$0.004375+');
});

test('reprice sends the prices of the document, and refuses where it states none', async () => {
  const body = { name: 'GPT-4', slug: 'gpt-4', prices: { input: 2.5, output: 10, cached_input: 1.25 } };
  cli.serve(subjects.registry('get'), wire.GetRequestSchema, wire.GetResponseSchema, ({ slug }) => ({
    documents: [{ kind: 'model', slug, name: slug, json: json(slug === 'gpt-4' ? body : { name: slug, slug }) }],
  }));
  const asked = cli.serve(subjects.telemetry('reprice'), wire.RepriceRequestSchema, wire.RepriceResponseSchema, () => ({
    examined: 9n,
    changed: 4n,
    addedNanoUsd: -1_500_000n,
  }));
  expect(await willm('prices', 'reprice', '--model', 'GPT-4', '--since', '2026-11-01')).toMatchObject({
    code: 0,
    out: '4 of 9 calls repriced; together $-0.001500 more than before\n',
  });
  expect(asked[0]).toMatchObject({
    model: 'gpt-4',
    fromUnixMs: 1_793_491_200_000n,
    price: { input: 2_500_000_000n, cachedInput: 1_250_000_000n },
  });
  expect((await willm('prices', 'reprice', '--model', 'llama', '--since', '1h')).err).toContain('states no price');
  expect((await willm('prices', 'show')).out).toContain('IN');
});

test('refresh applies the prices of the catalogue, and names what is not in it', async () => {
  const body = (slug: string, provider_model: string, rest: object) => ({
    kind: 'model',
    slug,
    name: slug,
    json: json({
      name: slug,
      slug,
      aliases: [],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai-compatible',
      endpoint: 'https://api.openai.com/v1',
      provider_model,
      capabilities: [],
      tier: 'standard',
      ...rest,
    }),
  });
  const hours = [{ from: '22:00', to: '06:00', input: 1 }];
  cli.serve(subjects.registry('get'), wire.GetRequestSchema, wire.GetResponseSchema, () => ({
    documents: [
      body('gpt-4', 'gpt-4o', { prices: { input: 9, output: 9, hours } }),
      body('mystery', 'no-such-model', {}),
      body('local', 'gpt-4o', { call_method: 'Local' }),
    ],
  }));
  const asked = cli.serve(subjects.registry('apply'), wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => ({
    revision: 8n,
  }));
  const { code, err } = await willm('prices', 'refresh');
  expect(code).toBe(0);
  expect(err).toBe(
    'mystery: no-such-model is not in the catalogue; left as it is\n' +
      'gpt-4: input: $9 → $2.5, 3.6 times cheaper\ngpt-4: output: $9 → $10, 1.11 times dearer\n' +
      'gpt-4: cached_input: unknown → $1.25\n',
  );
  expect(asked[0]?.files.map(({ path }) => path)).toEqual(['gpt-4.yaml']);
  const parsed = parseDocuments('gpt-4.yaml', asked[0]?.files[0]?.text ?? '');
  expect(parsed).toMatchObject({
    documents: [{ document: { body: { prices: { input: 2.5, output: 10, cached_input: 1.25, hours } } } }],
  });
});

test('refresh leaves a price that becomes five times dearer until someone says yes, and writes what it proposes', async () => {
  const body = (slug: string, prices: object) => ({
    kind: 'model',
    slug,
    name: slug,
    json: json({
      name: slug,
      slug,
      aliases: [],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai-compatible',
      endpoint: 'https://api.openai.com/v1',
      provider_model: 'gpt-4o',
      capabilities: [],
      tier: 'standard',
      prices,
    }),
  });
  cli.serve(subjects.registry('get'), wire.GetRequestSchema, wire.GetResponseSchema, () => ({
    documents: [body('cheap', { input: 0.5, output: 10 }), body('usual', { input: 2, output: 10 })],
  }));
  const asked = cli.serve(subjects.registry('apply'), wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => ({
    revision: 8n,
  }));
  const refused = await willm('prices', 'refresh');
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain('cheap: input: $0.5 → $2.5, 5 times dearer\n');
  expect(refused.err).toMatch(/cheap: left as it is, since a price changes by 5 times .*--model cheap --yes/);
  expect(asked[0]?.files.map(({ path }) => path)).toEqual(['usual.yaml']);
  expect((await willm('prices', 'refresh', '--yes')).code).toBe(0);
  expect(asked[1]?.files.map(({ path }) => path)).toEqual(['cheap.yaml', 'usual.yaml']);
  const folder = await mkdtemp(join(tmpdir(), 'will-prices-'));
  try {
    expect((await willm('prices', 'refresh', '--yes', '--propose', folder)).code).toBe(0);
    expect(asked).toHaveLength(2);
    expect(await readFile(join(folder, 'cheap.yaml'), 'utf8')).toContain('input: 2.5');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('alerts are listed with what became of them', async () => {
  cli.serve(subjects.telemetry('alerts'), wire.AlertsRequestSchema, wire.AlertsResponseSchema, ({ retryId }) =>
    retryId === ''
      ? { alerts: [{ id: 'client.acme.nano_usd.d20261129.80', scope: 'client', slug: 'acme', threshold: '80' }] }
      : { error: `no dead alert has the id "${retryId}"` },
  );
  const { code, out } = await willm('alerts');
  expect([code, out]).toEqual([0, expect.stringMatching(/client acme.*80 %.*client\.acme\.nano_usd\.d20261129\.80/)]);
  expect(await willm('alerts', '--retry', 'x')).toMatchObject({ err: expect.stringContaining('no dead alert') });
});

test('get asks on until the last page and shows a table', async () => {
  const model = (name: string, slug: string, rest: object) => ({
    kind: 'model',
    slug,
    name,
    json: json({
      name,
      slug,
      call_method: 'API',
      provider: 'openai-compatible',
      tags: ['text_gen'],
      tier: 'standard',
      ...rest,
    }),
  });
  const pages = {
    '': { documents: [model('GPT-4', 'gpt-4', { compliance: [] })], next: 'model:gpt-4' },
    'model:gpt-4': { documents: [model('LLaMA', 'llama', { security_level: 'safe_for_sensitive' })] },
  };
  const asked = cli.serve(
    subjects.registry('get'),
    wire.GetRequestSchema,
    wire.GetResponseSchema,
    ({ after }) => pages[after as ''],
  );
  const { code, out } = await willm('get', 'models');
  expect(code).toBe(0);
  expect(out).toBe(
    'SLUG   NAME   CALL  PROVIDER           TAGS      RESIDENCY  COMPLIANCE  SENSITIVE  CUSTOMER  TIER\n' +
      'gpt-4  GPT-4  API   openai-compatible  text_gen  ?          none        ?          ?         standard\n' +
      'llama  LLaMA  API   openai-compatible  text_gen  ?          ?           yes        ?         standard\n',
  );
  expect(asked.map(({ kind, after }) => [kind, after])).toEqual([
    ['model', ''],
    ['model', 'model:gpt-4'],
  ]);
  expect(JSON.parse((await willm('get', 'models', '--json')).out)).toHaveLength(2);
});

test('every kind of document has its table', async () => {
  const bodies: Record<string, object> = {
    route: {
      name: 'text_gen',
      slug: 'text_gen',
      steps: [
        { step: 'primary', model: 'a' },
        { step: 'fallback_1', model: 'b' },
      ],
    },
    client: { name: 'AcmeLegal', slug: 'acmelegal', data_rules: { avoid_cloud: true, data_residency: 'EU' } },
    project: { name: 'P', slug: 'p', client: 'acmelegal' },
    reflex: { name: 'r', slug: 'r', preferred_model: 'a', fallback: ['b', 'c'] },
    schedule: { name: 's', slug: 's', time_zone: 'UTC', from: '21:00', to: '06:00', prefer: { tags: ['cheap'] } },
    settings: { name: 'global', slug: 'global', default_data_class: 'open' },
  };
  cli.serve(subjects.registry('get'), wire.GetRequestSchema, wire.GetResponseSchema, ({ kind }) => ({
    documents: [{ kind, json: json(bodies[kind]) }],
  }));
  expect((await willm('get', 'routes')).out).toContain('text_gen   a → b');
  expect((await willm('get', 'clients')).out).toContain('avoid_cloud,data_residency=EU');
  expect((await willm('get', 'projects')).out).toContain('acmelegal');
  expect((await willm('get', 'reflexes')).out).toContain('b,c');
  expect((await willm('get', 'schedules')).out).toContain('every day  tags cheap');
  expect((await willm('get', 'settings')).out).toBe('DEFAULT DATA CLASS\nopen\n');
});

test('a document that is not there is exit 1', async () => {
  cli.serve(subjects.registry('get'), wire.GetRequestSchema, wire.GetResponseSchema, () => ({}));
  expect(await willm('get', 'models', 'gpt-99')).toMatchObject({
    code: 1,
    err: 'willm: no model is named "gpt-99"; `willm get models` lists them\n',
  });
});

test('apply sends the documents of a folder, and shows what changed', async () => {
  await mkdir(join(cli.folder, 'docs', 'deep'), { recursive: true });
  await writeFile(join(cli.folder, 'docs', 'a.yaml'), 'a: 1');
  await writeFile(join(cli.folder, 'docs', 'deep', 'spec.txt'), '[text_gen]\n  primary: GPT-4\n');
  await writeFile(join(cli.folder, 'docs', 'notes.txt'), 'nothing');
  const asked = cli.serve(subjects.registry('apply'), wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => ({
    revision: 8n,
    changes: [{ kind: 'route', slug: 'text_gen', action: 'created' }],
    warnings: ['route code has no model'],
  }));
  const { code, out, err } = await willm('apply', '-f', join(cli.folder, 'docs'), '--note', 'why', '--prune');
  expect(code).toBe(0);
  const unasked = { dryRun: false, force: false, allowLoosening: false };
  expect(asked[0]).toMatchObject({ prune: true, note: 'why', waitMs: 30_000, ...unasked });
  expect(asked[0]?.author).not.toBe('');
  expect(asked[0]?.files.map(({ path }) => path.slice(cli.folder.length))).toEqual([
    '/docs/a.yaml',
    '/docs/deep/spec.txt',
  ]);
  expect(out).toBe('KIND   NAME      CHANGE\nroute  text_gen  created\n1 change, revision 8\n');
  expect(err).toBe('warning: route code has no model\n');
});

test('a change that not every process confirmed is exit 4 and names them, unless nobody waits', async () => {
  const file = join(cli.folder, 'fine.yaml');
  await writeFile(file, 'name: x');
  const asked = cli.serve(subjects.registry('apply'), wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => ({
    revision: 8n,
    lagging: ['policy p1 works with revision 7'],
  }));
  const waited = await willm('apply', '-f', file, '--timeout-ms', '50', '--force', '--allow-loosening');
  expect([waited.code, waited.err]).toEqual([4, 'warning: not confirmed: policy p1 works with revision 7\n']);
  expect(asked[0]).toMatchObject({ waitMs: 50, force: true, allowLoosening: true });
  expect((await willm('apply', '-f', file, '--no-wait')).code).toBe(0);
  expect(asked[1]).toMatchObject({ waitMs: 0 });
});

test('apply tells what becomes looser and for which decisions, also where that is refused', async () => {
  const file = join(cli.folder, 'looser.yaml');
  await writeFile(file, 'name: x');
  const looser = {
    loosenings: [{ kind: 'client', slug: 'acme', field: 'avoid_cloud', words: 'avoid_cloud is no longer asked for' }],
    looserDecisions: [{ words: 'text_gen for client acme, decided once: may now go to gpt-4' }],
    looserNote: '1 of 1 decisions of the last hour become looser',
  };
  const told = [
    'looser: client acme: avoid_cloud is no longer asked for',
    'looser for: text_gen for client acme, decided once: may now go to gpt-4',
    '1 of 1 decisions of the last hour become looser',
    '',
  ].join('\n');
  const answers = [
    { revision: 8n, ...looser },
    { problems: [{ path: 'client acme', message: 'strict' }], ...looser },
  ];
  cli.serve(subjects.registry('apply'), wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => answers.shift() ?? {});
  expect((await willm('apply', '-f', file)).out).toContain(told);
  expect(await willm('apply', '-f', file)).toEqual({
    code: 1,
    out: told,
    err: 'client acme: strict\nwillm: nothing was applied: 1 problem\n',
  });
});

test('a bad document is exit 1 with file, line and field', async () => {
  const file = join(cli.folder, 'bad.yaml');
  await writeFile(file, 'name: x');
  const problem = { path: file, line: 3, field: 'tier', message: '"gold" must be standard or premium' };
  cli.serve(subjects.registry('apply'), wire.ApplyRequestSchema, wire.ApplyResponseSchema, () => ({
    problems: [problem],
  }));
  expect(await willm('apply', '-f', file)).toEqual({
    code: 1,
    out: '',
    err: `${file}:3: tier: "gold" must be standard or premium\nwillm: nothing was applied: 1 problem\n`,
  });
});

test('Ctrl-C ends the process at once and tells the router', async () => {
  const routerId = `router-${newId()}`;
  const cancelled = Promise.withResolvers<wire.Cancel>();
  const accepted = Promise.withResolvers<string>();
  const listening = [
    cli.bus.listen(patterns.cancels(routerId), ({ data }) => cancelled.resolve(fromBinary(wire.CancelSchema, data))),
    cli.bus.listen(patterns.taskRun, ({ data, reply }) => {
      const { taskId } = fromBinary(wire.TaskSchema, data);
      const frame = create(wire.FrameSchema, { taskId, kind: { case: 'accepted', value: { routerId } } });
      cli.bus.publish(reply, toBinary(wire.FrameSchema, frame));
      accepted.resolve(taskId);
    }),
  ];
  cli.after(async () => listening.forEach((subscription) => subscription.unsubscribe()));
  // The router lives: it beats as soon as somebody listens.
  const beating = setInterval(() => cli.bus.publish(subjects.heartbeat(routerId), new Uint8Array(1)), 100);
  cli.after(async () => clearInterval(beating));
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'run', 'text_gen', 'hi', '--json'], {
    env: { ...process.env, NATS_URL: cli.nats.url },
  });
  let out = '';
  child.stdout.on('data', (data) => {
    out += String(data);
  });
  const taskId = await accepted.promise;
  await untilListenedTo(subjects.heartbeat(routerId));
  child.kill('SIGINT');
  expect((await cancelled.promise).taskId).toBe(taskId);
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(130);
  expect(JSON.parse(out)).toMatchObject({ taskId, error: { code: 'cancelled' } });
});

/** Resolves once somebody has subscribed: until then the server says at once that nobody has. */
async function untilListenedTo(subject: string): Promise<void> {
  const isHeard = (): Promise<boolean> =>
    cli.bus.request(subject, new Uint8Array(1), 50).then(
      () => true,
      (error: unknown) => !(error instanceof BusError && error.code === 'no_responders'),
    );
  while (!(await isHeard()));
}
