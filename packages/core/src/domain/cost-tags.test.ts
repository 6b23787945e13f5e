import { expect, test } from 'vitest';
import { costTagsIn, costTagsProblem, readCostTags } from './cost-tags.ts';

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
