import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test } from 'vitest';
import { accepted, after, ended, failureIn, useTimeByHand, world } from '../testing/task-world.ts';

useTimeByHand();

test('models share the time that is left, whatever they usually take, and the last one has all of it', async () => {
  const { sent, settle } = world(['a', 'b', 'c']);
  for (const [n, [share, isHurried]] of (
    [
      [10_000 / 3, false],
      [10_000 / 2, false],
      [0, false],
    ] as const
  ).entries()) {
    await settle();
    expect(sent[n]?.request).toMatchObject({ firstContentTimeoutMs: Math.floor(share), isHurried });
    sent[n]?.hear(accepted(n + 1));
    sent[n]?.hear(ended(sent[n]?.request.model ?? '', 'Stalled', false));
  }
});

test('a silent model gets a second one beside it, whose content counts; the first is revoked before it may speak', async () => {
  const { over, sent, commands, frames, settle } = world(['a', 'b', 'c'], { hedgeAfter: 300 });
  await settle();
  sent[0]?.hear(accepted(1));
  await after(299, settle);
  expect(sent).toHaveLength(1);
  await after(1, settle);
  expect(sent[1]?.request).toMatchObject({ model: 'b', attempt: 2, mayCommit: false });
  sent[1]?.hear(accepted(2));
  sent[1]?.hear({ case: 'readyToCommit', value: create(wire.CallReadyToCommitSchema) });
  await settle();
  expect(commands).toEqual(['REVOKE worker-1']);
  sent[0]?.hear(ended('a', 'Cancelled', false));
  await settle();
  expect(commands).toEqual(['REVOKE worker-1', 'COMMIT worker-2']);
  sent[1]?.hear({ case: 'hasContent', value: create(wire.CallHasContentSchema) });
  sent[1]?.hear(ended('b', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
  expect(sent).toHaveLength(2);
});

test('where the first model speaks after all, the second call is cancelled', async () => {
  const { over, sent, commands, frames, settle } = world(['a', 'b'], { hedgeAfter: 300 });
  await settle();
  sent[0]?.hear(accepted(1));
  await after(300, settle);
  sent[1]?.hear(accepted(2));
  sent[0]?.hear({ case: 'hasContent', value: create(wire.CallHasContentSchema) });
  await settle();
  expect(commands).toEqual(['CANCEL worker-2']);
  sent[1]?.hear(ended('b', 'Cancelled', false));
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
  expect(sent).toHaveLength(2);
});

test('where both fail the task goes on with the next model, and asks neither again', async () => {
  const { over, sent, frames, settle } = world(['a', 'b', 'c'], { hedgeAfter: 300 });
  await settle();
  sent[0]?.hear(accepted(1));
  await after(300, settle);
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  sent[0]?.hear(ended('a', 'Overloaded', false));
  await settle();
  expect(sent[2]?.request).toMatchObject({ model: 'c', mayCommit: true });
  sent[2]?.hear(accepted(3));
  sent[2]?.hear(ended('c', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'c']);
});

test.each([
  ['the route does not say so', {}],
  ['too many calls had a second one', { hedgeAfter: 300, hedges: 0 }],
  ['nothing is known of its first tokens', { hedgeAfter: 'p95' }],
  ['the next model cools down', { hedgeAfter: 300, cooldowns: { b: 60_000 } }],
] as const)('there is no second call where %s', async (_why, options) => {
  const { run, sent, settle } = world(['a', 'b'], options);
  await settle();
  sent[0]?.hear(accepted(1));
  await after(5_000, settle);
  expect(sent).toHaveLength(1);
  run.cancel();
});

test('the only model is waited for, whatever is usual', async () => {
  const { sent, settle } = world(['a'], { timeoutMs: 1_200 });
  await settle();
  expect(sent[0]?.request).toMatchObject({ firstContentTimeoutMs: 0, anotherFollows: false });
});
