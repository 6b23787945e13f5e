import { timeoutsOf } from '@will/core';
import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { expect, test, vi } from 'vitest';
import { accepted, ended, failedBy, failureIn, hasContent, useTimeByHand, world } from '../testing/task-world.ts';

useTimeByHand();

test('a task that is answered at once needs no acceptance, and its intent stands before the end', async () => {
  const { over, sent, frames, told, settle } = world(['a']);
  await settle();
  sent[0]?.hear(accepted(1));
  expect(told).toEqual(['decided', 'intent 1 a']);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  await vi.advanceTimersByTimeAsync(100);
  expect(frames).toEqual([]);
});

test.each([
  ['its answer takes a while', accepted(1)],
  ['no worker takes it', undefined],
])('a caller hears within 20 ms that its task is taken where %s', async (_, word) => {
  const { run, sent, frames, settle } = world(['a']);
  await settle();
  if (word) sent[0]?.hear(word);
  await vi.advanceTimersByTimeAsync(19);
  expect(frames).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(frames.map(({ kind }) => kind)).toMatchObject([{ case: 'accepted', value: { routerId: 'router-1' } }]);
  run.cancel();
});

test('a caller that hears of its answer first is told of no acceptance', async () => {
  const { run, sent, frames, settle } = world(['a']);
  await settle();
  sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(100);
  expect(frames).toEqual([]);
  run.cancel();
});

test('what a task names and the router ignores is told at once', async () => {
  const { run, frames } = world(['a'], { notices: ['no reflex'] });
  expect(frames.map(({ kind }) => kind)).toMatchObject([{ case: 'accepted', value: { notices: ['no reflex'] } }]);
  run.cancel();
});

test('a failure before content goes on to the next model, which is told of the first and may speak at once', async () => {
  const { sent, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Overloaded', false));
  await settle();
  expect(sent[1]?.request).toMatchObject({ model: 'b', attempt: 2, mayCommit: true });
  expect(sent[1]?.request.prior.map(({ model, status }) => [model, status])).toEqual([['a', 'Overloaded']]);
});

test('a call that its worker could not start in time is sent to the same model again, since nothing left', async () => {
  const { over, sent, frames, slots, settle } = world(['a']);
  await settle();
  for (let number = 1; number <= 5; number += 1) {
    sent.at(-1)?.hear(accepted(number));
    sent.at(-1)?.hear(ended('a', 'Busy', false));
    await settle();
    // It waits until the worker keeps up again.
    expect(sent).toHaveLength(number);
    slots.poll();
    await settle();
  }
  expect(sent.map(({ request }) => request.model)).toEqual(Array.from({ length: 6 }, () => 'a'));
  sent.at(-1)?.hear(accepted(6));
  sent.at(-1)?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
});

test('a worker that never starts a call in time is given up long before the deadline, and the caller is told', async () => {
  const { over, sent, frames, slots, settle } = world(['a'], { maxMs: 3_600_000 });
  await settle();
  for (let number = 1; failureIn(frames) === undefined && number <= 300; number += 1) {
    sent.at(-1)?.hear(accepted(number));
    sent.at(-1)?.hear(ended('a', 'Busy', false));
    await settle();
    slots.poll();
    await settle();
  }
  expect(failureIn(frames)).toMatchObject({ retryable: true });
  expect(sent.length).toBeLessThan(200);
  await over;
});

test('a task of which nobody stated a timeout is not cut while its answer flows', async () => {
  const { over, sent, frames, commands, settle } = world(['a'], { maxMs: timeoutsOf([], {}).maxMs });
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(75_000);
  expect([failureIn(frames), commands]).toEqual([undefined, []]);
  sent[0]?.hear(ended('a', 'Success', true));
  await over;
  expect(failureIn(frames)).toBeUndefined();
});

test.each([
  ['context_length', wire.FailureCode.CONTEXT_LENGTH_EXCEEDED],
  ['content_filter', wire.FailureCode.CONTENT_FILTERED],
  ['bad_request', wire.FailureCode.INVALID_TASK],
] as const)(
  'a task whose every attempt failed by %s ends by its own fault, and is not to be sent again',
  async (cause, code) => {
    const { over, sent, frames, settle } = world(['a', 'b'], { contexts: { a: 8_000, b: 16_000 } });
    for (const model of ['a', 'b']) {
      await settle();
      sent.at(-1)?.hear(accepted(sent.length));
      sent.at(-1)?.hear(failedBy(model, cause));
    }
    await over;
    expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b']);
    expect(failureIn(frames)).toMatchObject({
      code,
      retryable: false,
      message: expect.stringContaining(`a (${cause})`),
    });
  },
);

/** Each model that is called finds the input too long, in order. */
async function overflowEach({ over, sent, settle }: ReturnType<typeof world>, called: readonly string[]) {
  for (const [index, model] of called.entries()) {
    await settle();
    sent[index]?.hear(accepted(index + 1));
    sent[index]?.hear(failedBy(model, 'context_length'));
  }
  await over;
  return sent.map(({ request }) => request.model);
}

test('after an overflow only models whose context is known to be larger are tried; the others tell why not', async () => {
  const contexts = { first: 8_000, smaller: 4_000, equal: 8_000, larger: 32_000, between: 16_000 };
  const run = world(['first', 'smaller', 'equal', 'unknown', 'larger', 'between'], { contexts });
  expect(await overflowEach(run, ['first', 'larger'])).toEqual(['first', 'larger']);
  const failure = failureIn(run.frames);
  expect(failure).toMatchObject({ code: wire.FailureCode.CONTEXT_LENGTH_EXCEEDED, retryable: false });
  expect(failure?.attempts.map(({ model, reason }) => [model, reason])).toEqual([
    ['first', 'context_length'],
    ['smaller', expect.stringContaining('context of 4000 tokens is not larger than 8000')],
    ['equal', expect.stringContaining('context of 8000 tokens is not larger than 8000')],
    ['unknown', expect.stringContaining('its own context is not known')],
    ['larger', 'context_length'],
    ['between', expect.stringContaining('the input overflowed larger')],
  ]);
});

test('where the context that overflowed is not known, those that are known are tried', async () => {
  const run = world(['first', 'unknown', 'known'], { contexts: { known: 32_000 } });
  expect(await overflowEach(run, ['first', 'known'])).toEqual(['first', 'known']);
});

test('a model that cools down is not waited for where it is too small for what overflowed another one', async () => {
  const run = world(['small', 'large'], { contexts: { small: 4_000, large: 8_000 }, cooldowns: { small: 5_000 } });
  expect(await overflowEach(run, ['large'])).toEqual(['large']);
  expect(failureIn(run.frames)).toMatchObject({ code: wire.FailureCode.CONTEXT_LENGTH_EXCEEDED, retryable: false });
});

test('no other model is tried for a value that every model finds invalid', async () => {
  const { over, sent, frames, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(failedBy('a', 'invalid_value', false));
  await over;
  expect(sent).toHaveLength(1);
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.INVALID_TASK, retryable: false });
});

test('one attempt that failed by another’s fault makes it worth another try', async () => {
  const { over, sent, frames, settle } = world(['a', 'b'], { contexts: { a: 8_000, b: 16_000 } });
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(failedBy('a', 'context_length'));
  await settle();
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  await over;
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.ALL_FAILED, retryable: true });
});

test('a call that no limit can ever admit is told to be so', async () => {
  const { over, sent, frames, settle } = world(['a']);
  await settle();
  sent[0]?.hear({
    case: 'refused',
    value: create(wire.CallRefusedSchema, {
      rule: 'limit',
      detail: 'the call may take more than the limit',
      retryable: true,
    }),
  });
  await over;
  expect(failureIn(frames)).toMatchObject({ code: wire.FailureCode.LIMIT_UNREACHABLE, retryable: false });
});

test('a budget that is used up is told with its end, and that sooner is of no use; a limit per minute is not', async () => {
  const untilUnixMs = BigInt(Date.now() + 3_600_000);
  const endBy = async (isBudget: boolean): Promise<wire.Failure | undefined> => {
    const { over, sent, frames, settle } = world(['a', 'b']);
    for (const count of [1, 2]) {
      await settle();
      const reason = 'the limit of $5 per day of client acme is reached';
      sent[count - 1]?.hear({
        case: 'busy',
        value: create(wire.CallBusySchema, { reason, untilUnixMs, isLimit: true, isBudget }),
      });
    }
    await over;
    return failureIn(frames);
  };
  expect(await endBy(true)).toMatchObject({
    code: wire.FailureCode.BUDGET_EXHAUSTED,
    retryable: false,
    retryAfterMs: 3_600_000,
    message: expect.stringMatching(/the limit of \$5 per day of client acme is reached, until 20/),
  });
  expect(await endBy(false)).toMatchObject({ code: wire.FailureCode.OVERLOADED, retryable: true });
});

test('a failure that no other model would mend ends the task', async () => {
  const { over, sent, frames, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('a', 'Cancelled', false, false));
  await over;
  expect(sent).toHaveLength(1);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.CANCELLED);
});

test('no candidate is Blocked, and leaves one record without a model', async () => {
  const { over, frames, calls } = world([]);
  await over;
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.BLOCKED);
  expect(calls).toMatchObject([{ model: '', outcome: 'Blocked', status: 'Policy' }]);
});

test('a deadline before content cancels the worker; after content the worker is given a moment to end by itself', async () => {
  const before = world(['a']);
  await before.settle();
  before.sent[0]?.hear(accepted(1));
  await vi.advanceTimersByTimeAsync(10_001);
  expect(before.commands).toEqual(['CANCEL worker-1']);
  expect(failureIn(before.frames)?.code).toBe(wire.FailureCode.DEADLINE);
  await before.over;
  const after = world(['a']);
  await after.settle();
  after.sent[0]?.hear(accepted(1));
  after.sent[0]?.hear(hasContent);
  await vi.advanceTimersByTimeAsync(10_001);
  expect(failureIn(after.frames)).toBeUndefined();
  after.sent[0]?.hear(ended('a', 'Deadline', true));
  await after.over;
  expect(failureIn(after.frames)).toBeUndefined();
});

test('a cancel reaches the worker and ends the task once, which is then no longer in flight', async () => {
  const { run, over, sent, commands, frames, settle } = world(['a', 'b']);
  await settle();
  sent[0]?.hear(accepted(1));
  run.cancel();
  run.cancel();
  expect(commands).toEqual(['CANCEL worker-1']);
  expect(frames.filter(({ kind }) => kind.case === 'failure')).toHaveLength(1);
  await over;
});

test('a worker that had not spoken yet when the task was cancelled is told once it does', async () => {
  const { run, over, sent, commands, settle } = world(['a']);
  await settle();
  run.cancel();
  await over;
  expect(commands).toEqual([]);
  sent[0]?.hear(accepted(1));
  expect(commands).toEqual(['REVOKE worker-1']);
});

test('when the documents change under a task, what a worker then refuses is decided again', async () => {
  const { revision, sent, settle } = world(['a', 'b'], { laterModels: ['b', 'c'] });
  await settle();
  revision.now = 2;
  const refused = create(wire.CallRefusedSchema, { rule: 'old_decision', detail: 'no longer', retryable: true });
  sent[0]?.hear({ case: 'refused', value: refused });
  await settle();
  sent[1]?.hear(accepted(2));
  sent[1]?.hear(ended('b', 'Overloaded', false));
  await settle();
  // b failed by itself and is not asked again; c is what the new revision names.
  expect(sent.map(({ request }) => request.model)).toEqual(['a', 'b', 'c']);
  expect(sent[2]?.request.revision).toBe(2n);
});

test('a refusal without any change of the documents is not decided again', async () => {
  const { over, sent, frames, settle } = world(['a']);
  await settle();
  const refused = create(wire.CallRefusedSchema, { rule: 'avoid_cloud', detail: 'API', retryable: true });
  sent[0]?.hear({ case: 'refused', value: refused });
  await over;
  expect(sent).toHaveLength(1);
  expect(failureIn(frames)?.code).toBe(wire.FailureCode.ALL_FAILED);
});

test('a task of a conversation goes on with the model that holds it, and the model that answers holds it from then on', async () => {
  const known = { success: 1, expectedMs: 1, costNanoUsd: 1, quality: 1, utility: 1 };
  const models = ['a', 'b'].map((model) => ({ model, ...known }));
  const ranking = { mode: 'auto', goal: 'balanced', incumbent: 'a', autoChoice: 'a', models } as const;
  const session = { lastModel: 'b', calls: 3, prefixes: [{ model: 'b', tokens: 50_000, usedAtMs: Date.now() }] };
  const { over, sent, kept, settle } = world(['a', 'b'], { ranking, session });
  await settle();
  expect(sent[0]?.request.model).toBe('b');
  sent[0]?.hear(accepted(1));
  sent[0]?.hear(ended('b', 'Success', true));
  await over;
  expect(kept).toEqual([['acme.s', 'b', 4]]);
  const without = world(['a', 'b'], { ranking });
  await without.settle();
  expect(without.sent[0]?.request.model).toBe('a');
  without.sent[0]?.hear(accepted(1));
  without.sent[0]?.hear(ended('a', 'Success', true));
  await without.over;
  expect(without.kept).toEqual([]);
});

test('a task whose seed tries another model first tries that one first', async () => {
  const known = { success: 1, expectedMs: 1, costNanoUsd: 1, quality: 1, utility: 1 };
  const ranking = {
    mode: 'auto',
    goal: 'balanced',
    incumbent: 'a',
    autoChoice: 'a',
    models: [
      { model: 'a', ...known },
      { model: 'b', ...known },
    ],
  } as const;
  const firsts: string[] = [];
  for (let seed = 0; seed < 300; seed += 1) {
    const { run, sent, settle } = world(['a', 'b'], { seed, ranking });
    await settle();
    firsts.push(sent[0]?.request.model ?? '');
    run.cancel();
  }
  const explored = firsts.filter((model) => model === 'b').length;
  expect(explored).toBeGreaterThan(0);
  expect(explored).toBeLessThan(20);
});
