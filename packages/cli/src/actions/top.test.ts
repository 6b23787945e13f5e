import { create } from '@bufbuild/protobuf';
import { ensureStreams, Outbox } from '@will/bus';
import { wire } from '@will/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliOnBus } from '../testing/cli-on-bus.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { top } from './top.ts';

let cli: CliOnBus;
beforeAll(async () => {
  cli = await CliOnBus.start();
});
afterAll(() => cli.stop());

const call = (attemptId: string, startedUnixMs: number): wire.Event =>
  create(wire.EventSchema, {
    kind: {
      case: 'call',
      value: create(wire.CallRecordSchema, {
        attemptId,
        model: 'tiny',
        outcome: 'Success',
        durationMs: 50,
        startedUnixMs: BigInt(startedUnixMs),
        writtenBy: 'worker',
      }),
    },
  });

test('the screen is drawn anew with calls as they come, until Ctrl-C; where nothing ever ran it says so', async () => {
  expect(await cli.willm('top', '--once')).toMatchObject({
    code: 1,
    err: expect.stringContaining('telemetry has never run'),
  });
  await ensureStreams(cli.bus);
  expect(await cli.willm('top', '--once')).toMatchObject({
    code: 0,
    err: expect.stringContaining('no model is served'),
  });

  const outbox = new Outbox(cli.bus, { service: 'worker', kind: 'records', batchMs: 1 });
  outbox.add(call('first', Date.now() - 1_000));
  await outbox.close();
  const terminal = fakeTerminal({ env: { NATS_URL: cli.nats.url }, isInteractive: true });
  const watching = top(terminal, { every: 100 });
  await expect.poll(() => terminal.stdout()).toMatch(/tiny +1\.0 /);
  const later = new Outbox(cli.bus, { service: 'worker', kind: 'records', batchMs: 1 });
  later.add(call('second', Date.now() - 100));
  await later.close();
  await expect.poll(() => terminal.stdout()).toMatch(/tiny +2\.0 /);
  expect(terminal.stdout().split('\u001b[H\u001b[2J').length).toBeGreaterThan(2);
  terminal.interrupt();
  expect(await watching).toBe(0);
});
