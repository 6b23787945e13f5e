import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterCall,
  afterFirstContent,
  closedBreaker,
  coolsDownItsKey,
  countsAgainstModel,
  type BreakerEvent,
  type BreakerRules,
  type BreakerState,
  type Cooldown,
} from './breaker.ts';
import { failureOf } from './failure.ts';

const nowMs = 1_000_000;
const rules = { cooldownMs: undefined, timesOpened: 0, nowMs, draw: 0.5 };

type End = BreakerEvent['failure'];

const fold = (state: BreakerState, failure: End, over: Partial<BreakerRules> = {}, mayOpen = true) =>
  afterCall(state, { failure, mayOpen }, { ...rules, ...over });

/** The cooldown that the last of some calls led to. */
function after(ends: readonly End[], mayOpen = true): Cooldown | undefined {
  let state: BreakerState = closedBreaker;
  let cooldown: Cooldown | undefined;
  for (const end of ends) ({ state, cooldown } = fold(state, end, {}, mayOpen));
  return cooldown;
}

test('three failures in a row start a cooldown of ten seconds, two do not', () => {
  const failure = failureOf('overloaded');
  expect(after([failure, failure])).toBeUndefined();
  expect(after([failure, failure, failure])).toEqual({
    untilMs: nowMs + 10_000,
    reason: failure.message,
    timesOpened: 1,
    isGuess: true,
  });
  expect(after([failure, failure, undefined, failure])).toBeUndefined();
});

test('a failure rate above 40 % opens it though successes come in between', () => {
  const failure = failureOf('server_error');
  const mixed = Array.from({ length: 5 }, () => [failure, undefined, failure]).flat();
  expect(after(mixed.slice(0, 7))).toBeDefined();
  expect(after([...Array.from({ length: 20 }, () => undefined), failure, failure])).toBeUndefined();
});

test('what the provider asks for is kept to the millisecond, whatever the breaker thinks', () => {
  expect(after([failureOf('rate_limit', { retryAfterMs: 7_321 })])?.untilMs).toBe(nowMs + 7_321);
  expect(after([failureOf('overloaded', { retryAfterMs: 900 })])?.untilMs).toBe(nowMs + 900);
});

test('a reached limit without a word of the provider cools down as long as the document says, else ten seconds', () => {
  expect(after([failureOf('rate_limit')])?.untilMs).toBe(nowMs + 10_000);
  expect(fold(closedBreaker, failureOf('rate_limit'), { cooldownMs: 30_000 }).cooldown?.untilMs).toBe(nowMs + 30_000);
  expect(after([failureOf('quota')])?.untilMs).toBe(nowMs + 300_000);
});

test('a trial call that fails starts a cooldown again, longer each time and never beyond a minute', () => {
  const cooldowns = [1, 2, 3, 4, 5, 6].map((timesOpened) => {
    const { cooldown } = fold(closedBreaker, failureOf('overloaded'), { timesOpened });
    return (cooldown as Cooldown).untilMs - nowMs;
  });
  expect(cooldowns).toEqual([15_000, 22_500, 33_750, 50_625, 60_000, 60_000]);
});

test('failures of the task, its caller or this process alone never start a cooldown', () => {
  const kinds = ['bad_request', 'context_length', 'content_filter', 'cancelled', 'deadline', 'crashed'] as const;
  const events = fc.array(fc.constantFrom(...kinds), { maxLength: 60 });
  fc.assert(fc.property(events, (reasons) => after(reasons.map((reason) => failureOf(reason))) === undefined));
});

test('old failures fade: what failed minutes ago does not add to what fails now', () => {
  const failure = failureOf('overloaded');
  let state = closedBreaker;
  for (let n = 0; n < 8; n += 1) {
    ({ state } = fold(state, n % 2 === 0 ? failure : undefined, { nowMs: nowMs + n }));
  }
  const later = fold(state, failure, { nowMs: nowMs + 600_000 });
  expect(later.cooldown).toBeUndefined();
});

test('the only model that may do a task cools down by the word of the provider, not by the breaker', () => {
  expect(
    after(
      Array.from({ length: 9 }, () => failureOf('server_error')),
      false,
    ),
  ).toBeUndefined();
  expect(after([failureOf('rate_limit', { retryAfterMs: 500 })], false)?.untilMs).toBe(nowMs + 500);
});

test('a success that used up the provider’s limit starts a cooldown before the next call is refused', () => {
  const { cooldown } = afterCall(closedBreaker, { failure: undefined, spentForMs: 4_000, mayOpen: false }, rules);
  expect(cooldown).toMatchObject({ untilMs: nowMs + 4_000, timesOpened: 1 });
});

test('a cooldown of 0 leaves it to the provider’s own word', () => {
  const never = { cooldownMs: 0 };
  let state = closedBreaker;
  for (let n = 0; n < 9; n += 1) {
    const after = fold(state, failureOf(n % 2 === 0 ? 'server_error' : 'rate_limit'), never);
    expect(after.cooldown).toBeUndefined();
    state = after.state;
  }
  expect(fold(state, failureOf('rate_limit', { retryAfterMs: 200 }), never).cooldown?.untilMs).toBe(nowMs + 200);
});

test('answers that began before a model went down and end meanwhile do not interrupt its failures; a first content does', () => {
  const failure = failureOf('server_error');
  const ended = (state: BreakerState, end: End) =>
    afterCall(state, { failure: end, wasHeard: end === undefined, mayOpen: true }, rules);
  let { state, cooldown } = ended(closedBreaker, failure);
  for (const end of [undefined, failure, undefined, failure]) ({ state, cooldown } = ended(state, end));
  expect(cooldown).toBeDefined();
  state = closedBreaker;
  for (let n = 0; n < 2; n += 1) ({ state, cooldown } = ended(state, failure));
  ({ cooldown } = ended(afterFirstContent(state, nowMs), failure));
  expect(cooldown).toBeUndefined(); // One that was sent before the last failure was.
  ({ cooldown } = ended(afterFirstContent(state, nowMs - 1), failure));
  expect(cooldown).toBeDefined();
});

const failure = failureOf('server_error');

test('what a state remembers is counted anew with each call', () => {
  const { state } = fold(closedBreaker, failure);
  expect(state).toEqual({ failuresInARow: 1, successes: 0, failures: 1, atMs: nowMs, failedStartMs: nowMs });
  const next = afterCall(
    state,
    { failure, mayOpen: true, startedAtMs: nowMs - 5 },
    { ...rules, nowMs: nowMs + 30_000 },
  );
  expect(next.state).toEqual({
    failuresInARow: 2,
    successes: 0,
    failures: 1.5,
    atMs: nowMs + 30_000,
    failedStartMs: nowMs,
  });
  const later = afterCall(next.state, { failure: undefined, mayOpen: true }, { ...rules, nowMs: nowMs + 60_000 });
  expect(later.state).toEqual({
    failuresInARow: 0,
    successes: 1,
    failures: 0.75,
    atMs: nowMs + 60_000,
    failedStartMs: nowMs,
  });
  const again = afterCall(later.state, { failure: undefined, mayOpen: true }, { ...rules, nowMs: nowMs + 90_000 });
  expect(again.state.successes).toBe(1.5);
  // A clock that went back makes nothing grow.
  expect(fold(state, failure, { nowMs: nowMs - 60_000 }).state.failures).toBe(2);
  const began = afterCall(closedBreaker, { failure, mayOpen: true, startedAtMs: 7 }, rules);
  expect(began.state.failedStartMs).toBe(7);
});

test('a success that was heard before leaves failures in a row as they are', () => {
  const two = { ...closedBreaker, failuresInARow: 2, atMs: nowMs };
  const after = (wasHeard: boolean) => afterCall(two, { failure: undefined, wasHeard, mayOpen: true }, rules).state;
  expect([after(true).failuresInARow, after(false).failuresInARow]).toEqual([2, 0]);
});

test('a first content ends failures in a row unless its call began before the last of them', () => {
  const two = { ...closedBreaker, failuresInARow: 2, failedStartMs: 100, failures: 2 };
  expect(afterFirstContent(two, 99)).toBe(two);
  expect(afterFirstContent(two, 100)).toEqual({ ...two, failuresInARow: 0 });
});

test.each([
  ['four failures are too few', 3, 0, false],
  ['five of them are not', 4, 0, true],
  ['two in five are too few', 4, 7.5, false],
  ['a little more is not', 4, 7.4, true],
])('%s to open by their rate', (_what, failures, successes, opens) => {
  const state = { ...closedBreaker, failures, successes, atMs: nowMs };
  expect(fold(state, failure).cooldown !== undefined).toBe(opens);
});

test('ends of cooldowns are spread by a tenth either way, and none is longer than a minute', () => {
  const state = { ...closedBreaker, failuresInARow: 2, atMs: nowMs };
  const lengthOf = (draw: number, timesOpened = 0) =>
    (fold(state, failure, { draw, timesOpened }).cooldown?.untilMs ?? 0) - nowMs;
  expect([lengthOf(0), lengthOf(0.25), lengthOf(1), lengthOf(1, 9), lengthOf(0, 9)]).toEqual([
    9_000, 9_500, 11_000, 60_000, 54_000,
  ]);
});

test('a cooldown that a document states is no guess, and neither is one that the provider states', () => {
  const state = { ...closedBreaker, failuresInARow: 2, atMs: nowMs };
  const cooldown = (over: Partial<BreakerRules>, end = failure) => fold(state, end, over).cooldown;
  expect(cooldown({ cooldownMs: 5_000 })).toEqual({
    untilMs: nowMs + 5_000,
    reason: failure.message,
    timesOpened: 1,
    isGuess: false,
  });
  expect(cooldown({ timesOpened: 2 })).toMatchObject({ timesOpened: 3, isGuess: true });
  expect(cooldown({}, failureOf('rate_limit'))).toMatchObject({ isGuess: false });
  expect(fold(state, failure).state).toEqual(closedBreaker);
});

test('a provider that asks for nothing is left alone for a millisecond; its quota for as long as the document says', () => {
  const lengthOf = (end: End, cooldownMs?: number) =>
    (fold(closedBreaker, end, { cooldownMs }).cooldown?.untilMs ?? Number.NaN) - nowMs;
  expect(lengthOf(failureOf('rate_limit', { retryAfterMs: 0 }))).toBe(1);
  expect([lengthOf(failureOf('quota')), lengthOf(failureOf('quota'), 7_000)]).toEqual([300_000, 7_000]);
  expect(lengthOf(failureOf('quota'), 0)).toBeNaN();
});

test('a limit that a success used up is the first of its cooldowns', () => {
  expect(
    afterCall(closedBreaker, { failure: undefined, spentForMs: 0, mayOpen: true }, { ...rules, timesOpened: 4 }),
  ).toEqual({
    state: closedBreaker,
    cooldown: {
      untilMs: nowMs,
      reason: 'the provider says that nothing is left of its limit',
      timesOpened: 1,
      isGuess: false,
    },
  });
});

const allReasons = [
  ['rate_limit', 'quota', 'overloaded', 'server_error', 'connection', 'bad_response', 'stalled'],
  ['first_token_timeout', 'truncated', 'bad_key'],
].flat() as readonly Parameters<typeof failureOf>[0][];
test.each(allReasons)('a failure of %s counts against the model', (reason) => {
  expect(countsAgainstModel(failureOf(reason))).toBe(true);
});

const others = [
  'context_length',
  'content_filter',
  'missing_key',
  'bad_request',
  'invalid_value',
  'not_found',
] as const;
test.each([...others, 'deadline', 'cancelled', 'revoked', 'crashed', 'does_not_fit'] as const)(
  'a failure of %s does not count against the model',
  (reason) => {
    expect(countsAgainstModel(failureOf(reason))).toBe(false);
    const kept = { ...closedBreaker, failuresInARow: 2 };
    expect(fold(kept, failureOf(reason))).toEqual({ state: kept, cooldown: undefined });
  },
);

test('only what is wrong with a key cools down all its models', () => {
  const reasons = ['quota', 'bad_key', 'missing_key', 'rate_limit', 'server_error'] as const;
  expect(reasons.filter((reason) => coolsDownItsKey(failureOf(reason)))).toEqual(['quota', 'bad_key']);
});
