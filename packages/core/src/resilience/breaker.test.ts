import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterCall,
  afterFirstContent,
  closedBreaker,
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
