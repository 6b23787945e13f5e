import { expect, test } from 'vitest';
import { TextJoiner } from './text-joiner.ts';
import { type ToolCallPiece, ToolCalls } from './tool-calls.ts';
import { AnswerError } from './unreadable.ts';

const piece = (over: Partial<ToolCallPiece>): ToolCallPiece => ({
  index: undefined,
  id: '',
  name: '',
  arguments: '',
  ...over,
});

/** The calls that pieces come to: name and arguments of each. */
function joined(...pieces: readonly Partial<ToolCallPiece>[]): string[] {
  const calls = new ToolCalls();
  for (const one of pieces) calls.add(piece(one));
  calls.end();
  expect(calls.all()).toHaveLength(calls.count);
  return (calls.all() as { function: { name: string; arguments: string } }[]).map(
    ({ function: { name, arguments: args } }) => `${name}${args}`,
  );
}

test('the first piece with a name opens a call, and the next ones add to its arguments', () => {
  const calls = new ToolCalls();
  expect(calls.add(piece({ index: 5, id: 'a', arguments: '{' }))).toBeUndefined();
  expect(calls.add(piece({ index: 5, name: 'f', arguments: '"x"' }))).toEqual({
    index: 0,
    id: 'a',
    type: 'function',
    function: { name: 'f', arguments: '{"x"' },
  });
  expect(calls.add(piece({ index: 5, arguments: ':1}' }))).toEqual({ index: 0, function: { arguments: ':1}' } });
  expect(calls.add(piece({ index: 5 }))).toBeUndefined();
  expect(calls.end()).toEqual([]);
});

test('at the end a call without arguments gets none in JSON, and one without a name cannot be read', () => {
  const calls = new ToolCalls();
  calls.add(piece({ name: 'f' }));
  expect(calls.end()).toEqual([{ index: 0, function: { arguments: '{}' } }]);
  expect(calls.all()).toMatchObject([{ function: { name: 'f', arguments: '{}' } }]);
  const unnamed = new ToolCalls();
  unnamed.add(piece({ id: 'a', arguments: '{}' }));
  expect(() => unnamed.end()).toThrow(AnswerError);
});

test('what a model must see again stands beside the next call alone', () => {
  const calls = new ToolCalls();
  calls.keepWithNext({ kept: 1 });
  expect(calls.add(piece({ id: 'a', name: 'f' }))).toMatchObject({ kept: 1 });
  expect(calls.add(piece({ id: 'b', name: 'f' }))).not.toHaveProperty('kept');
});

test.each<[string, Partial<ToolCallPiece>[], string[]]>([
  [
    'pieces of two indexes',
    [
      { index: 0, name: 'f' },
      { index: 1, name: 'g' },
      { index: 0, arguments: '1' },
    ],
    ['f1', 'g{}'],
  ],
  [
    'pieces of two ids',
    [
      { id: 'a', name: 'f' },
      { id: 'b', name: 'g' },
      { id: 'a', arguments: '1' },
    ],
    ['f1', 'g{}'],
  ],
  [
    'pieces of the second of two ids',
    [
      { id: 'a', name: 'f' },
      { id: 'b', name: 'g' },
      { id: 'b', arguments: '1' },
    ],
    ['f{}', 'g1'],
  ],
  ['a piece without an index', [{ index: 0, name: 'f' }, { arguments: '1' }], ['f1']],
  [
    'the last of two with one index',
    [
      { index: 0, id: 'a', name: 'f' },
      { index: 0, id: 'b', name: 'g' },
      { index: 0, arguments: '1' },
    ],
    ['f{}', 'g1'],
  ],
  [
    'another name with one index',
    [
      { index: 0, name: 'f', arguments: '{' },
      { index: 0, name: 'g' },
    ],
    ['f{', 'g{}'],
  ],
  [
    'the same name again',
    [
      { index: 0, name: 'f', arguments: '{' },
      { index: 0, name: 'f', arguments: '}' },
    ],
    ['f{}'],
  ],
  [
    'the same name with what begins again',
    [
      { index: 0, name: 'f', arguments: '{}' },
      { index: 0, name: 'f', arguments: ' {}' },
    ],
    ['f{}', 'f {}'],
  ],
  [
    'the same name with what goes on',
    [
      { index: 0, name: 'f', arguments: '1' },
      { index: 0, name: 'f', arguments: '2' },
    ],
    ['f12'],
  ],
  [
    'the same name before the first is whole',
    [
      { index: 0, name: 'f', arguments: '{"a":' },
      { index: 0, name: 'f', arguments: '{}}' },
    ],
    ['f{"a":{}}'],
  ],
  [
    'an id that comes late',
    [
      { index: 0, name: 'f', arguments: '{' },
      { index: 0, id: 'a', name: 'f', arguments: '}' },
    ],
    ['f{}'],
  ],
  [
    'an id that comes after the first is whole',
    [
      { index: 0, name: 'f', arguments: '{}' },
      { index: 0, id: 'a', name: 'g' },
    ],
    ['f{}', 'g{}'],
  ],
  [
    'a name that comes late',
    [
      { index: 0, id: 'a' },
      { index: 0, id: 'b', name: 'f', arguments: '1' },
    ],
    ['f1'],
  ],
  [
    'whole calls',
    [
      { name: 'f', isWhole: true },
      { name: 'f', isWhole: true },
    ],
    ['f{}', 'f{}'],
  ],
])('%s', (_what, pieces, calls) => {
  expect(joined(...pieces)).toEqual(calls);
});

test('a whole call whose id was there gets one of its own', () => {
  const calls = new ToolCalls();
  for (let n = 0; n < 2; n += 1) calls.add(piece({ id: 'a', name: 'f', isWhole: true }));
  const ids = (calls.all() as { id: string }[]).map(({ id }) => id);
  expect(ids[0]).toBe('a');
  expect(ids[1]).toMatch(/^call_[0-9a-f]{32}$/);
});

test('text in pieces leaves whole characters, and half of one at the end as one that cannot be', () => {
  const [high, low] = ['\ud83d', '\ude00'];
  const joiner = new TextJoiner();
  expect([joiner.add('a'), joiner.add(`b${high}`), joiner.add(low), joiner.add('')]).toEqual([
    'a',
    'b',
    high + low,
    '',
  ]);
  expect([joiner.add(high), joiner.add('x'), joiner.add(low), joiner.end()]).toEqual(['', '\ufffdx', '\ufffd', '']);
  expect([joiner.add(`c${high}`), joiner.end(), joiner.end()]).toEqual(['c', '\ufffd', '']);
  expect([joiner.add('\ud800'), joiner.add('\udbff'), joiner.end()]).toEqual(['', '\ufffd', '\ufffd']);
  expect(joiner.add('\ud7ff\ue000')).toBe('\ud7ff\ue000');
});
