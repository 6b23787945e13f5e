import { expect, test } from 'vitest';
import { costTagsIn, costTagsProblem, readCostTags, splitCostTag } from './cost-tags.ts';

const declared = { team: ['search', 'ads'], env: ['prod'] };

test('tags that the client declares are taken, in the order of their keys', () => {
  expect(readCostTags(['team=ads', ' env = prod '], declared)).toEqual({ tags: ['env=prod', 'team=ads'] });
  expect(readCostTags([], declared)).toEqual({ tags: [] });
  expect(readCostTags(['team=ads', 'team=ads'], declared)).toEqual({ tags: ['team=ads'] });
});

test.each([
  [['team'], 'cost tag "team" must be key=value'],
  [['ticket=1'], 'cost tag key "ticket" must be one of team, env'],
  [['team=legal'], 'cost tag team: value "legal" must be one of search, ads'],
  [['__proto__=x'], 'cost tag key "__proto__" must be one of team, env'],
  [['team=ads', 'team=search'], 'cost tag team is stated twice: send one value'],
])('%j is rejected with what is allowed', (stated, problem) => {
  expect(readCostTags(stated, declared)).toEqual({ problem });
});

test('a client that declares none may state none; of many values the near ones are named', () => {
  expect(readCostTags(['team=ads'], undefined)).toEqual({
    problem: 'cost tag key "team" must be declared as cost_tags in the document of the client, which declares none',
  });
  const many = { user: Array.from({ length: 50 }, (_, index) => `user-${index}`) };
  expect(readCostTags(['user=usr-49'], many)).toEqual({
    problem: expect.stringMatching(/"usr-49" must be one of the 50 that the client's document declares; near: user-49/),
  });
});

test('several stand in one text, with commas between', () => {
  expect(costTagsIn(' team=ads ,env=prod,')).toEqual(['team=ads', 'env=prod']);
});

test('at most four keys may be declared, each a slug', () => {
  expect(costTagsProblem(declared)).toBeUndefined();
  expect(costTagsProblem({ a: [], b: [], c: [], d: [], e: [] })).toBe('5 keys exceed 4');
  expect(costTagsProblem({ 'A b': [] })).toContain('"A b" must match');
});

test('a value may be empty and may hold what tells key and value apart', () => {
  expect(splitCostTag(' a = b=c ')).toEqual(['a', 'b=c']);
  expect(splitCostTag('a=')).toEqual(['a', '']);
  expect(splitCostTag(' a ')).toEqual(['a', undefined]);
  expect(readCostTags(['a='], { a: [''] })).toEqual({ tags: ['a='] });
  expect(costTagsIn(' , ,')).toEqual([]);
});

test('up to ten allowed values are told, of more only the near ones, and what was said is cut', () => {
  const values = (count: number) => ({ user: Array.from({ length: count }, (_, n) => `u${n}`) });
  const problemOf = (count: number, said: string) => {
    const answer = readCostTags([`user=${said}`], values(count));
    return 'problem' in answer ? answer.problem : '';
  };
  expect(problemOf(10, 'x')).toBe('cost tag user: value "x" must be one of u0, u1, u2, u3, u4, u5, u6, u7, u8, u9');
  expect(problemOf(11, 'zzzzzzzzzz')).toBe(
    'cost tag user: value "zzzzzzzzzz" must be one of the 11 that the client\'s document declares',
  );
  expect(problemOf(1, 'y'.repeat(81))).toContain(`"${'y'.repeat(80)}…"`);
  expect(problemOf(1, 'y'.repeat(80))).toContain(`"${'y'.repeat(80)}" must be`);
});

test('four keys may be declared', () => {
  expect(costTagsProblem({ a: [], b: [], c: [], d: [] })).toBeUndefined();
  expect(costTagsProblem({ a: [], B: [] })).toBe('key "B" must match ^[a-z0-9][a-z0-9_-]{0,63}$');
});
