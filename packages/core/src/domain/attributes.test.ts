import { expect, test } from 'vitest';
import {
  attributeNames,
  fieldOf,
  headerOf,
  isAttributeKey,
  readAttributes,
  type StatedAttribute,
} from './attributes.ts';

type Line = readonly [source: StatedAttribute['source'], key: string, value: string];
const read = (...stated: readonly Line[]) =>
  readAttributes(stated.map(([source, key, value]) => ({ source, key, value })));
const problemOf = (...stated: readonly Line[]): string | undefined => {
  const answer = read(...stated);
  return 'problem' in answer ? answer.problem.message : undefined;
};

const values: Record<(typeof attributeNames)[number], readonly [string, unknown]> = {
  client: ['AcmeLegal', 'AcmeLegal'],
  project: [' Merger 7 ', 'Merger 7'],
  reflex: ['auto_debug_logs', 'auto_debug_logs'],
  priority: ['High', 'high'],
  high_priority: ['TRUE', true],
  data_class: ['customer_sensitive', 'customer-sensitive'],
  task_type: ['code', 'code'],
  timeout_ms: ['2500', 2_500],
  first_token_timeout_ms: ['2500', 2_500],
  idle_timeout_ms: ['2500', 2_500],
  unavailable_model: ['route', 'route'],
  cost_tags: ['team=search, env=prod', 'team=search, env=prod'],
};

/** Spellings of a key, in any case and with anything between its words. */
const spellings = (key: string): readonly string[] => {
  const words = key.split(/[-_]/);
  const bare = key.startsWith('x') ? words.slice(1) : ['x', ...words];
  return [words, bare].flatMap((some) => [
    some.join('-'),
    some.join('_'),
    some.join(' '),
    some.join(''),
    some.join('-').toUpperCase(),
    some.map((word) => word[0]?.toUpperCase() + word.slice(1)).join(' '),
    ` ${some.join('.')} `,
  ]);
};

test('every spelling of every attribute is understood, as header and in metadata', () => {
  let tried = 0;
  for (const attribute of attributeNames)
    for (const [source, key] of [
      ['header', headerOf(attribute)],
      ['metadata', fieldOf(attribute)],
    ] as const)
      for (const spelling of spellings(key)) {
        const [said, meant] = values[attribute];
        expect([spelling, read([source, spelling, said])]).toMatchObject([
          spelling,
          { attributes: { [attribute]: meant } },
        ]);
        tried += 1;
      }
  expect(tried).toBe(attributeNames.length * 28);
});

test('what looks like an attribute and is none is a problem that names it and what is allowed', () => {
  for (const key of ['x-will-clint', 'X_WILL_foo', 'will-', 'x will anything', 'X-Will'])
    expect(problemOf(['header', key, 'a'])).toContain(`${JSON.stringify(key)} must be one of x-will-client, x-will-`);
  for (const key of ['x-wil-client', 'wilclient', 'X-WILLL-client', 'x-wll-project', 'wi11_data_class'])
    expect(problemOf(['header', key, 'a'])).toContain(`${JSON.stringify(key)} must be one of x-will-client, x-will-`);
  for (const source of ['metadata', 'field'] as const)
    expect(problemOf([source, 'wil_client', 'a'])).toContain('must be one of will_client, will_project');
  expect(problemOf(['metadata', 'will_dataclas', 'open'])).toContain('must be one of will_client, will_project');
});

test('one slip in the prefix, wherever it is made, is a problem and never a request without that attribute', () => {
  const alphabet = [...'abcdefghijklmnopqrstuvwxyz0é'];
  for (const attribute of attributeNames)
    for (const prefix of ['x-will', 'will'])
      for (const [index, letter] of [...prefix, ''].entries()) {
        const [before, after] = [prefix.slice(0, index), prefix.slice(index + 1)];
        const swapped = before + after.slice(0, 1) + letter + after.slice(1);
        const slipped = [
          ...alphabet.flatMap((other) => [before + other + after, before + other + letter + after]),
          swapped,
        ];
        for (const wrong of [...slipped, before + after].filter(
          (one) => one !== 'x' && !['will', 'x-will'].includes(one),
        )) {
          const key = `${wrong}-${attribute.replaceAll('_', '-')}`;
          const answer = read(['header', key, values[attribute][0]]);
          expect([key, 'problem' in answer || attribute in answer.attributes]).toEqual([key, true]);
        }
      }
});

test('headers that SDKs and proxies send are left alone', () => {
  const sent =
    'content-type priority openai-project openai-organization x-goog-user-project x-api-client x-real-client x-ms-client x-amzn-trace-id ' +
    'x-stainless-timeout x-client x-priority model x-request-type x-timeout-ms x-should-retry sec-websocket-client cf-worker-project forwarded-client';
  for (const key of sent.split(' ')) expect([key, read(['header', key, 'a'])]).toEqual([key, { attributes: {} }]);
});

test('an attribute without its prefix is a problem in metadata, and nothing of ours among headers', () => {
  for (const attribute of attributeNames) {
    expect(problemOf(['metadata', attribute, 'high'])).toContain(`send metadata.will_${attribute} if it is meant`);
    expect(problemOf(['metadata', attribute.replaceAll('_', ' ').toUpperCase(), 'a'])).toContain('without its prefix');
    expect(problemOf(['metadata', `x-${attribute}`, 'high'])).toContain('without its prefix');
    expect(read(['header', attribute, 'u=1'])).toEqual({ attributes: {} });
  }
});

test('a query and a trailer state nothing: what looks like an attribute there is a problem', () => {
  expect(problemOf(['query', 'x-will-client', 'a'])).toContain('query parameter "x-will-client" is read from a header');
  expect(problemOf(['query', 'client', 'a'])).toContain('query parameter "client" looks like one of Will');
  expect(problemOf(['trailer', 'x-will-client', 'a'])).toContain('trailer "x-will-client" is read from a header');
  expect(read(['trailer', 'client', 'a'])).toEqual({ attributes: {} });
  expect(read(['query', 'api-version', '2026-01-01'], ['query', 'beta', 'true'])).toEqual({ attributes: {} });
});

test('a key is known as an attribute wherever it stands, and nothing else is', () => {
  for (const key of ['will_client', 'X-Will-Data-Class', 'xwillproject', 'x-will', 'will_foo', 'wil_client'])
    expect([key, isAttributeKey(key)]).toEqual([key, true]);
  for (const key of ['client', 'will', 'william', 'willing', 'data_class', ''])
    expect([key, isAttributeKey(key)]).toEqual([key, false]);
});

test('an attribute among the fields of a body is told where it belongs', () => {
  expect(problemOf(['field', 'will_client', 'a'])).toContain('send header x-will-client or metadata.will_client');
  expect(problemOf(['field', 'Data-Class', 'open'])).toContain('without its prefix');
});

test('what is not ours is left alone', () => {
  for (const key of ['william', 'willingness', 'x-willow-trace', 'note', 'user_id', 'clients', 'goodwill_client'])
    expect([key, read(['header', key, 'a'], ['metadata', key, 'a'])]).toEqual([key, { attributes: {} }]);
});

test('one that is stated twice must have one value', () => {
  const twice = problemOf(['header', 'x-will-client', 'acme'], ['header', 'X-Will-Client', 'globex']);
  expect(twice).toBe('client is stated twice: x-will-client "acme" and X-Will-Client "globex"; send it once');
  expect(problemOf(['header', 'x-will-data-class', 'open'], ['metadata', 'will_data_class', 'customer'])).toContain(
    'data_class is stated twice',
  );
  expect(read(['header', 'x-will-client', 'Acme'], ['metadata', 'will client', ' acme'])).toEqual({
    attributes: { client: 'Acme' },
  });
});

test('high_priority is priority high, and must not contradict a priority', () => {
  expect(read(['header', 'x-will-high-priority', 'true'])).toMatchObject({ attributes: { priority: 'high' } });
  expect(read(['header', 'x-will-high-priority', 'yes'], ['header', 'x-will-priority', 'high'])).toMatchObject({
    attributes: { priority: 'high' },
  });
  expect(read(['header', 'x-will-high-priority', 'no'])).toEqual({ attributes: { high_priority: false } });
  for (const [flag, priority] of [
    ['false', 'high'],
    ['true', 'normal'],
    ['true', 'background'],
  ] as const)
    expect(problemOf(['header', 'x-will-high-priority', flag], ['metadata', 'will_priority', priority])).toBe(
      `priority ${priority} and high_priority ${flag} contradict each other; send one of the two`,
    );
});

test.each([
  ['x-will-data-class', 'secret', /"secret" must be one of open, customer/],
  ['x-will-priority', 'urgent', /"urgent" must be one of background, normal, high/],
  ['x-will-high-priority', 'maybe', /"maybe" must be true or false/],
  ['x-will-client', '***', /"\*\*\*" must be a name/],
  ['x-will-client', '', /"" must be a name/],
  ['x-will-task-type', 'Text Gen', /must be a word that matches/],
  ['x-will-timeout-ms', '1e9', /whole milliseconds from 1 to 3600000/],
  ['x-will-timeout-ms', '0', /whole milliseconds/],
  ['x-will-unavailable-model', 'any', /"any" must be one of error, route/],
])('%s: %j is rejected', (key, value, message) => {
  expect(problemOf(['header', key, value])).toMatch(message);
});
