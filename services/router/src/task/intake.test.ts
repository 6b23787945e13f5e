import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidTaskError, readTask, roundUp } from './intake.ts';

const nowMs = 1_800_000_000_000;
const who = { client: 'acme', project: 'p', reflex: undefined, notices: ['reflex r is ignored'] };
const task = (fields: Partial<wire.Task> = {}): wire.Task =>
  Object.assign(
    create(wire.TaskSchema, { taskId: 'task-0001', type: 'text_gen', inputKind: 'chat', input: new Uint8Array(30) }),
    fields,
  );
const read = (fields: Partial<wire.Task> = {}) => readTask(task(fields), who, [100, 4096], nowMs);

test('a plain task gets the defaults of settled facts', () => {
  const { facts, deadlineUnixMs } = read();
  expect(facts).toEqual({
    taskType: 'text_gen',
    client: 'acme',
    project: 'p',
    reflex: undefined,
    priority: 'normal',
    dataClass: undefined,
    model: undefined,
    input: ['text'],
    output: ['text'],
    needs: [],
    inputTokens: 100,
    maxOutputTokens: 0,
  });
  expect(deadlineUnixMs).toBe(nowMs + 600_000);
});

test('at most ten names of fields that were left out are kept, and only such as may be shown', () => {
  const shown = Array.from({ length: 12 }, (_, n) => `field_${n}.x`);
  expect(read().ignoredFields).toEqual([]);
  expect(read({ ignoredFields: ['Maria Müller', '', 'x'.repeat(65), ...shown] }).ignoredFields).toEqual(
    shown.slice(0, 10),
  );
});

test('a task brings its floor of rules into its facts; words that no rule can have are refused', () => {
  const floorOf = (floor: object) => read({ floor: create(wire.RequirementSchema, floor) }).facts.floor;
  expect(floorOf({ avoidCloud: true, residencies: ['EU'] })).toEqual({
    dataClass: 'open',
    avoidCloud: true,
    compliantOnly: false,
    standards: [],
    residencies: ['EU'],
  });
  expect(() => floorOf({ residencies: Array(17).fill('EU') })).toThrow('17 words of the floor exceed 16');
  expect(() => floorOf({ standards: ['no word'] })).toThrow(InvalidTaskError);
});

test('facts hold the size rounded up to an edge, the task the estimate itself', () => {
  const read300 = read({ input: new Uint8Array(303) });
  expect(read300.inputTokens).toBe(101);
  expect(read300.facts.inputTokens).toBe(4096);
});

test.each([
  ['a wildcard type', { type: 'a.>' }, 'task type "a.>" must match'],
  ['an empty input', { input: new Uint8Array(0) }, 'the input is empty'],
  ['an input beyond the bound', { input: new Uint8Array(800_000) }, 'input of 800000 bytes exceeds 786432'],
  ['a deadline in the past', { deadlineUnixMs: 5n }, 'deadline 5 has passed'],
  ['a deadline beyond an hour', { deadlineUnixMs: BigInt(nowMs + 9_999_999) }, 'at most 3600000 ms ahead'],
  ['an unknown modality', { inputModalities: ['smell'] }, 'input modality "smell" must be one of text, image'],
  ['a bad id', { taskId: 'a b' }, 'task id "a b" must be 1 to 64'],
])('%s is refused with the value and what was allowed', (_what, fields, message) => {
  expect(() => read(fields)).toThrow(message);
});

test('whatever comes, a task is read or refused with an InvalidTaskError, never anything else', () => {
  const fields = fc.record({
    taskId: fc.string({ maxLength: 80 }),
    type: fc.oneof(fc.string(), fc.constant('text_gen')),
    project: fc.string(),
    reflex: fc.string(),
    model: fc.string({ maxLength: 200 }),
    priority: fc.integer({ min: -2, max: 9 }) as fc.Arbitrary<wire.Priority>,
    dataClass: fc.integer({ min: -2, max: 9 }) as fc.Arbitrary<wire.DataClass>,
    deadlineUnixMs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    inputModalities: fc.array(fc.string(), { maxLength: 3 }),
    needs: fc.array(fc.string(), { maxLength: 30 }),
    inputKind: fc.oneof(fc.string(), fc.constant('chat')),
    input: fc.uint8Array({ maxLength: 40 }),
  });
  fc.assert(
    fc.property(fields, (random) => {
      try {
        const { facts } = read(random);
        expect(['open', 'customer', 'sensitive', 'customer-sensitive', undefined]).toContain(facts.dataClass);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidTaskError);
        expect((error as Error).message.length).toBeLessThan(400);
      }
    }),
    { numRuns: 10_000 },
  );
});

test('rounding goes to the first edge at or above, and past the last edge stays', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 1_000 })),
      fc.integer({ min: 1, max: 1_100 }),
      (numbers, tokens) => {
        const edges = numbers.sort((a, b) => a - b);
        expect(roundUp(tokens, edges)).toBe(edges.find((edge) => edge >= tokens) ?? tokens);
      },
    ),
  );
});
