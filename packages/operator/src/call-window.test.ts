import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import { CallWindow } from './call-window.ts';

let number = 0;
const record = (fields: MessageInitShape<typeof wire.CallRecordSchema>): wire.CallRecord =>
  create(wire.CallRecordSchema, {
    attemptId: `a${(number += 1)}`,
    model: 'tiny',
    outcome: 'Success',
    durationMs: 100,
    writtenBy: 'worker',
    ...fields,
  });

test('a minute of calls by model: rate, errors, 95th percentile, tokens a second, cost an hour', () => {
  const window = new CallWindow(60_000, 0);
  for (let n = 1; n <= 100; n += 1)
    window.add(
      record({ startedUnixMs: BigInt(60_000 + n), durationMs: n, usage: { outputTokens: 6 }, costNanoUsd: 1_000n }),
    );
  window.add(record({ startedUnixMs: 60_000n, outcome: 'Timeout', durationMs: 9_000 }));
  window.add(record({ startedUnixMs: 60_000n, model: 'large' }));
  expect(window.lines(100_000)).toEqual([
    {
      model: 'tiny',
      calls: 101,
      errors: 1,
      callsPerMinute: 101,
      p95Ms: 95,
      outputTokensPerSecond: 10,
      nanoUsdPerHour: 6_000_000,
      unknownCosts: 1,
    },
    expect.objectContaining({ model: 'large', calls: 1, outputTokensPerSecond: 0, unknownCosts: 1 }),
  ]);
});

test('what ended before the window is gone, and a rate is over the time that was seen', () => {
  const window = new CallWindow(60_000, 100_000);
  window.add(record({ startedUnixMs: 100_000n }));
  expect(window.lines(110_000)[0]).toMatchObject({ calls: 1, callsPerMinute: 6 });
  expect(window.lines(159_000)).toHaveLength(1);
  expect(window.lines(161_000)).toHaveLength(0);
});

test('a call that two wrote of counts once, as its worker says', () => {
  const window = new CallWindow(60_000, 0);
  const lost = record({ startedUnixMs: 1_000n, outcome: 'Timeout', writtenBy: 'router' });
  window.add(lost);
  window.add({ ...lost, outcome: 'Success', writtenBy: 'worker' });
  window.add(lost);
  expect(window.lines(2_000)).toMatchObject([{ calls: 1, errors: 0 }]);
});
