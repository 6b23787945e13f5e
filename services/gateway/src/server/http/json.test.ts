import fc from 'fast-check';
import { costRatio } from '@will/testkit';
import { expect, test } from 'vitest';
import { parseJsonObject, topLevelMembers, withoutMembers } from './json.ts';

const members = (text: string) => topLevelMembers(Buffer.from(text));

test('any JSON object reads the same after its members were cut out of its text', () => {
  const objects = fc.dictionary(
    fc.oneof(fc.constantFrom('model', 'stream', 'a"b', '\\', 'ü'), fc.string()),
    fc.jsonValue(),
  );
  const spacing = fc.constantFrom(undefined, 1, '\t');
  fc.assert(
    fc.property(objects, spacing, fc.func(fc.boolean()), (object, space, isRemoved) => {
      const text = Buffer.from(JSON.stringify(object, undefined, space));
      const kept = Object.fromEntries(Object.entries(object).filter(([key]) => !isRemoved(key)));
      const cut = withoutMembers(text, topLevelMembers(text), isRemoved);
      expect(JSON.parse(cut.toString())).toEqual(JSON.parse(JSON.stringify(kept)));
    }),
    { numRuns: 500 },
  );
});

test('a key is found however it is written', () => {
  expect(members('{ "mod\\u0065l" : "x" , "b" : [1, "]"] }').map(({ key }) => key)).toEqual(['model', 'b']);
});

test('a body that names a field inside a string loses nothing of it', () => {
  const text = Buffer.from('{"messages":"say \\"model\\": 1, \\\\","model":"gpt-4"}');
  const cut = withoutMembers(text, topLevelMembers(text), (key) => key === 'model');
  expect(cut.toString()).toBe('{"messages":"say \\"model\\": 1, \\\\"}');
});

test('nothing to cut leaves the very same bytes', () => {
  const text = Buffer.from('{"a":1}');
  expect(withoutMembers(text, topLevelMembers(text), () => false)).toBe(text);
});

test.each([
  ['nonsense', /not valid JSON/],
  ['[]', /must be a JSON object/],
  ['null', /must be a JSON object/],
  [`{"a":${'['.repeat(70)}${']'.repeat(70)}}`, /nested deeper than 64/],
  [`{"a":[${'0,'.repeat(100_001)}0]}`, /more than 100000 values/],
  ['{"a":[{"__proto__":{"x":1}}]}', /"__proto__"/],
  ['{"__pro\\u0074o__":1}', /"__proto__"/],
])('a body like %.30s is refused', (text, message) => {
  expect(() => parseJsonObject(Buffer.from(text))).toThrow(message);
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('a complaint about JSON shows where, and nothing of what stands there', () => {
  expect(() => parseJsonObject(Buffer.from('{"messages":"secret" secret}'))).toThrow(/at character 21/);
  expect(() => parseJsonObject(Buffer.from('{"messages":"secret" secret}'))).not.toThrow(/secret/);
});

test('a hundred thousand brackets and quotes cost in proportion to their number', () => {
  const brackets = (count: number): string => '['.repeat(count);
  const quotes = (count: number): string => `{"a":"${'\\"'.repeat(count / 2)}"}`;
  const read = (text: string) => () => {
    try {
      const bytes = Buffer.from(text);
      parseJsonObject(bytes);
      expect(topLevelMembers(bytes)).toHaveLength(1);
    } catch (error) {
      expect(String(error)).toMatch(/not valid JSON/);
    }
  };
  for (const text of [brackets, quotes]) expect(costRatio(read(text(400_000)), read(text(100_000)))).toBeLessThan(12);
});
