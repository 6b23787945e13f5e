import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { subjects, wire } from '@will/contracts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { csvCell } from '@will/operator';
import { CliOnBus } from './testing/cli-on-bus.ts';

let cli: CliOnBus;
beforeAll(async () => {
  cli = await CliOnBus.start();
});
afterAll(() => cli.stop());
afterEach(() => cli.cleanUp());

const record = (number: number) => ({
  attemptId: `attempt-${number}`,
  client: 'acme',
  model: 'gpt-4',
  outcome: 'Success',
  reason: number === 1 ? 'said "no", twice\nand left' : '',
  startedUnixMs: BigInt(Date.parse('2026-11-23T12:00:00Z') + number),
  costNanoUsd: number === 2 ? 2n ** 60n : 1_500n,
  usage: { inputTokens: 12, outputTokens: 3 },
});

/** Plays telemetry on five calls, two a page at most. */
const serveCalls = (): readonly wire.QueryCallsRequest[] =>
  cli.serve(
    subjects.telemetry('calls'),
    wire.QueryCallsRequestSchema,
    wire.QueryCallsResponseSchema,
    ({ limit, behindAttemptId }) => {
      if (limit > 300) return { error: 'the answer of 2000000 bytes exceeds a message; ask for fewer calls or groups' };
      const all = [5, 4, 3, 2, 1].map(record);
      const from = 1 + all.findIndex(({ attemptId }) => attemptId === behindAttemptId);
      return { calls: all.slice(from, from + 2) };
    },
  );

test('export writes all pages as JSON lines, wide money as text, what is not known left out', async () => {
  const asked = serveCalls();
  const { code, out } = await cli.willm(
    'logs',
    'export',
    '--format',
    'jsonl',
    '--client',
    'acme',
    '--since',
    '2026-11-01',
  );
  expect(code).toBe(0);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ attempt_id: id }) => id)).toEqual([5, 4, 3, 2, 1].map((number) => `attempt-${number}`));
  expect(lines[0]).toMatchObject({ started_at: '2026-11-23T12:00:00.005Z', cost_nano_usd: 1_500, input_tokens: 12 });
  expect(lines[0]).not.toHaveProperty('reason');
  expect(lines[3]?.['cost_nano_usd']).toBe(String(2n ** 60n));
  expect(asked.at(-1)).toMatchObject({ client: 'acme', fromUnixMs: 1_793_491_200_000n, behindAttemptId: 'attempt-1' });
});

test('export writes CSV into a new file and leaves one that is there alone', async () => {
  serveCalls();
  const file = join(cli.folder, 'calls.csv');
  expect(await cli.willm('logs', 'export', '--out', file)).toMatchObject({
    code: 0,
    out: '',
    err: `5 calls written to ${file}\n`,
  });
  const text = await readFile(file, 'utf8');
  expect(text.split('\n')[0]).toMatch(/^started_at,attempt_id,task_id,/);
  expect(text).toContain('"said ""no"", twice\nand left"');
  expect(await cli.willm('logs', 'export', '--out', file)).toMatchObject({
    code: 1,
    err: `willm: ${file} cannot be made (EEXIST)\n`,
  });
  expect(await readFile(file, 'utf8')).toBe(text);
});

test.each([
  ['=cmd()', "'=cmd()"],
  ['+1', "'+1"],
  [-1, '-1'],
  ['a,b', '"a,b"'],
  [undefined, ''],
  [2n ** 60n, '1152921504606846976'],
])('%o is the cell %s', (value, cell) => {
  expect(csvCell(value)).toBe(cell);
});

test('erasing a client asks for --yes, and tells how many calls went', async () => {
  const asked = cli.serve(
    subjects.telemetry('erase'),
    wire.EraseClientRequestSchema,
    wire.EraseClientResponseSchema,
    () => ({
      calls: 12n,
      eventBatches: 3n,
    }),
  );
  cli.serve(subjects.tasksErase, wire.EraseClientRequestSchema, wire.EraseClientResponseSchema, () => ({
    tasks: 4n,
    cancelledTasks: 1n,
  }));
  expect(await cli.willm('logs', 'erase', 'Acme Legal')).toMatchObject({
    code: 2,
    err: 'willm: this removes all calls and durable tasks of Acme Legal for good; say --yes\n',
  });
  expect(asked).toHaveLength(0);
  expect(await cli.willm('logs', 'erase', 'Acme Legal', '--yes')).toMatchObject({
    code: 0,
    out: '12 calls of acme-legal erased, with their decisions and sums, and 3 batches of events\n4 durable tasks of acme-legal erased; 1 of them had not ended and were cancelled\n',
  });
  expect(asked[0]).toMatchObject({ client: 'acme-legal' });
  expect((await cli.willm('logs', 'erase', 'Acme Legal', '--yes', '--json')).out).toBe(
    '{"client":"acme-legal","calls":12,"eventBatches":3,"tasks":4,"cancelledTasks":1}\n',
  );
});

test('a name in any spelling is the slug of its document; a removed client is found by its slug', async () => {
  const asked = serveCalls();
  for (const name of ['Müller Recht', 'MU\u0308LLER  recht', 'm-ller-recht'])
    expect((await cli.willm('logs', '--client', name)).code).toBe(0);
  expect(asked.map(({ client }) => client)).toEqual(['m-ller-recht', 'm-ller-recht', 'm-ller-recht']);
  expect(await cli.willm('logs', '--client', 'Nobody & Sons')).toMatchObject({
    code: 1,
    err: 'willm: "Nobody & Sons" is no client; nearest: "AcmeLegal"\n',
  });
});

test('a task for an unknown client or project is not sent, and the operator is told names like it', async () => {
  const sent: string[] = [];
  const serving = cli.bus.serve('will.v1.task.run.*', 'test', ({ subject }) => {
    sent.push(subject);
    return undefined;
  });
  cli.after(() => serving.stop());
  for (const option of [
    ['--client', 'AcmeLegall'],
    ['--client', 'acmelegall'],
    ['--project', 'nope'],
  ]) {
    const { code, err } = await cli.willm('run', 'text_gen', 'x', ...option);
    expect([code, err]).toEqual([1, expect.stringContaining('; nearest: "AcmeLegal"')]);
  }
  expect(sent).toEqual([]);
});
