import { expect, test, vi } from 'vitest';
import { accepted, ended, failureIn, hasContent, useTimeByHand, world } from '../testing/task-world.ts';

useTimeByHand();

/** One worker serves all models. */
const alone = (): Record<string, string[]> => ({ a: ['worker-1'], b: ['worker-1'] });

test('a worker that is away, and that nobody could replace, is waited for, and its call is not made again', async () => {
  const { over, sent, calls, frames } = world(['a', 'b'], { servers: alone() });
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  for (let times = 0; times < 3; times += 1) {
    sent[0]?.lose();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, calls, failureIn(frames)]).toEqual([1, [], undefined]);
});

test('it is waited for until it is missed, another worker serves a model, or it says that it does not have the call', async () => {
  const missed = world(['a', 'b'], { servers: alone() });
  const replaced = world(['a', 'b'], { servers: alone() });
  const gone = world(['a', 'b'], { servers: alone() });
  await vi.advanceTimersByTimeAsync(0);
  for (const { sent } of [missed, replaced, gone]) sent[0]?.hear(accepted(1));
  missed.sent[0]?.lose();
  missed.served.clear();
  missed.sent[0]?.lose();
  replaced.sent[0]?.lose();
  replaced.servers['b']?.push('worker-2');
  replaced.sent[0]?.lose();
  gone.sent[0]?.lose('gone');
  await vi.advanceTimersByTimeAsync(0);
  for (const { calls } of [missed, replaced, gone]) expect(calls).toMatchObject([{ model: 'a', status: 'Unknown' }]);
  expect(replaced.sent[1]?.request.model).toBe('b');
});

test('a worker that counted as dead and comes back with its call is not revoked, and its answer counts where it is first', async () => {
  const { over, sent, commands, frames } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent[1]?.request).toMatchObject({ model: 'b', mayCommit: false, earlierIds: [sent[0]?.request.attemptId] });
  sent[1]?.hear(accepted(2));
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual([]);
  sent[0]?.hear(hasContent);
  expect(commands).toEqual(['CANCEL worker-2']);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect([sent.length, failureIn(frames)]).toEqual([2, undefined]);
});

test('a worker that comes back after another one has content is revoked', async () => {
  const { sent, commands } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await vi.advanceTimersByTimeAsync(0);
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(hasContent);
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual(['REVOKE worker-1']);
});

test('a call that came back and failed holds up no other one', async () => {
  const { sent } = world(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(accepted(1));
  sent[0]?.lose();
  await vi.advanceTimersByTimeAsync(0);
  sent[0]?.hear(ended('a', 'ProviderError', false));
  await vi.advanceTimersByTimeAsync(500);
  expect(sent[2]?.request).toMatchObject({ model: 'b', earlierIds: [sent[1]?.request.attemptId] });
});
