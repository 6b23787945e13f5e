import { connectBus } from '@will/bus';
import { newId, subjects, wire } from '@will/contracts';
import { startNatsServer } from '@will/testkit';
import { expect, test } from 'vitest';
import { ask, type OperatorError } from './ask.ts';

test('what nobody serves is unreachable, and what does not answer in time may have been done', async () => {
  const nats = await startNatsServer();
  const bus = await connectBus({ servers: nats.url, processId: `t-${newId()}`, inboxScope: 'test' });
  const codeOf = (timeoutMs: number): Promise<unknown> =>
    ask(bus, subjects.registry('apply'), [wire.ApplyRequestSchema, {}], wire.ApplyResponseSchema, timeoutMs).catch(
      ({ code }: OperatorError) => code,
    );
  expect(await codeOf(5_000)).toBe('unreachable');
  const silent = bus.serve(subjects.registry('apply'), 'silent', () => undefined);
  expect(await codeOf(50)).toBe('timeout');
  await silent.stop();
  await bus.close();
  await nats.stop();
});
