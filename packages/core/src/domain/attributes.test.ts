import { expect, test } from 'vitest';
import {
  attributeNames,
  fieldOf,
  headerOf,
  isAttributeKey,
  isForeignHeader,
  isSame,
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

test('a header is foreign where it is left alone, however often and after whatever else it is asked about', () => {
  const ours = ['x-will-client', 'X-WILL-DATACLASS', 'will-project', 'x-wil-client', 'x-will-foo'];
  const foreign = ['Host', 'x-stainless-lang', 'x-client', 'priority', `x-${'long-'.repeat(30)}`];
  for (let round = 0; round < 3; round += 1) {
    for (const key of ours) expect([key, isForeignHeader(key)]).toEqual([key, false]);
    for (const key of foreign) expect([key, isForeignHeader(key)]).toEqual([key, true]);
    for (let other = 0; other < 1_500; other += 1) isForeignHeader(`other-${round}-${other}`);
  }
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

const isRead = (attribute: (typeof attributeNames)[number], value: string): boolean =>
  'attributes' in read(['header', headerOf(attribute), value]);

test.each<[(typeof attributeNames)[number], readonly string[], readonly string[]]>([
  ['client', ['a', '7', ' é ', 'x'.repeat(128), ` ${'x'.repeat(128)} `], ['', ' ', '-', '***', 'x'.repeat(129)]],
  ['priority', ['background', 'NORMAL', ' High '], ['', 'highest']],
  ['high_priority', ['true', 'false', 'yes', 'no', ' YES '], ['', '1', 'toString']],
  ['data_class', ['open', 'customer-sensitive', 'CUSTOMER_SENSITIVE', ' open '], ['', 'customer sensitive']],
  ['task_type', ['a', ' code ', '0_x-y'], ['', 'Code', '-a', 'a b']],
  ['timeout_ms', ['1', ' 3600000 ', '00000001'], ['0', '3600001', '-1', '1.5', '', '1e3', '000000001', 'x1', '1x']],
  ['unavailable_model', ['error', 'ROUTE'], ['', 'any']],
  ['cost_tags', ['a=b', 'a=', 'a=b,c=d', '', `a=${'x'.repeat(1_022)}`], ['a', 'a=b,c', `a=${'x'.repeat(1_023)}`]],
])('%s may say what is allowed, and nothing else', (attribute, allowed, refused) => {
  expect(allowed.map((value) => isRead(attribute, value))).toEqual(allowed.map(() => true));
  expect(refused.map((value) => isRead(attribute, value))).toEqual(refused.map(() => false));
});

test('values are trimmed where blanks mean nothing', () => {
  expect(read(['header', 'x-will-task-type', ' code '], ['header', 'x-will-timeout-ms', ' 70 '])).toEqual({
    attributes: { task_type: 'code', timeout_ms: 70 },
  });
});

test('a problem says where it stands, with what was said cut to eighty characters', () => {
  const problemAt = (...stated: readonly Line[]) => {
    const answer = read(...stated);
    return 'problem' in answer ? answer.problem.at : undefined;
  };
  const long = `x-will-${'y'.repeat(80)}`;
  expect(problemAt(['header', 'X-Will-Priority', 'urgent'])).toBe('X-Will-Priority');
  expect(problemAt(['metadata', 'will_priority', 'urgent'])).toBe('metadata.will_priority');
  expect(problemAt(['header', long, 'a'])).toBe(`${long.slice(0, 80)}…`);
  expect(problemAt(['header', long.slice(0, 80), 'a'])).toBe(long.slice(0, 80));
  expect(problemAt(['query', 'will_client', 'a'])).toBe('will_client');
  expect(problemAt(['metadata', 'client', 'a'])).toBe('metadata.client');
  expect(problemAt(['header', 'x-will-client', 'a'], ['metadata', 'will_client', 'b'])).toBe('metadata.will_client');
  expect(problemAt(['header', 'x-will-priority', 'low'], ['header', 'x-will-client', '***'])).toBe('x-will-priority');
  expect(problemAt(['header', 'x-will-priority', 'high'], ['metadata', 'will_high_priority', 'no'])).toBe(
    'metadata.will_high_priority',
  );
  expect(problemOf(['header', 'x-will-priority', 'z'.repeat(81)])).toContain(`"${'z'.repeat(80)}…" must be one of`);
});

test.each<[string, Line, string]>([
  ['a field', ['field', 'will_client', 'a'], 'will_client: is read from a header or metadata only'],
  ['an unknown field', ['field', 'will_clint', 'a'], 'will_clint: must be one of will_client, '],
  ['a trailer', ['trailer', 'X-Will-Client', 'a'], 'trailer "X-Will-Client" is read from a header'],
  ['an unknown header', ['header', 'x-will-clint', 'a'], 'header "x-will-clint" must be one of x-will-client, '],
  ['unknown metadata', ['metadata', 'will_clint', 'a'], 'metadata "will_clint" must be one of will_client, '],
  ['a wrong header', ['header', 'x-will-task-type', 'A'], 'x-will-task-type "A" must be a word that matches ^'],
])('%s is told as what it is', (_what, line, words) => {
  expect(problemOf(line)?.startsWith(words)).toBe(true);
});

test('two values are the same in any case and spelling, and only of one type', () => {
  expect([isSame('Acme', ' ＡＣＭＥ '), isSame('a', 'b'), isSame(1, 1), isSame(1, '1'), isSame(true, false)]).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
  const twice = (attribute: string, a: string, b: string) =>
    problemOf(['header', `x-will-${attribute}`, a], ['metadata', `will_${attribute}`, b]);
  expect([twice('timeout_ms', '7', '07'), twice('timeout_ms', '7', '8')]).toEqual([
    undefined,
    'timeout_ms is stated twice: x-will-timeout_ms "7" and metadata.will_timeout_ms "8"; send it once',
  ]);
});

test('keys in other scripts are read as their letters, and what only shares a beginning is left alone', () => {
  expect(read(['metadata', 'ｗｉｌｌ＿ｃｌｉｅｎｔ', 'a'])).toEqual({ attributes: { client: 'a' } });
  expect(problemOf(['metadata', 'w\u0131ll_client', 'a'])).toContain('must be one of');
  for (const key of ['x', 'xx', 'wi', 'x-w', 'x-wi', 'swill', 'x-swill-foo'])
    expect([key, read(['header', key, 'a'], ['metadata', key, 'a'], ['field', key, 'a'])]).toEqual([
      key,
      { attributes: {} },
    ]);
  expect(isAttributeKey('x will client')).toBe(true);
  expect([isAttributeKey('xwill'), isAttributeKey('x-will-'), isAttributeKey('xclient')]).toEqual([true, true, false]);
});
