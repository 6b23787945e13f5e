import { expect, test } from 'vitest';
import { z } from 'zod';
import * as fields from './fields.ts';
import { long, read } from './testing.ts';

const text5 = 'text of 1 to 5 characters on one line';
const prose5 = 'text of 1 to 5 characters';
const aSlug = 'a slug: 1 to 64 of a-z 0-9 _ -, the first a letter or digit';
const p95 = 'p95, or whole milliseconds from 1 to 600000';
const days = 'a list of 1 to 2: mon, tue';
const tagList = 'a list of 1 to 64: tags of a-z 0-9 _ -';
const names = 'a list of at most 64: names of fields, A-Z a-z 0-9 _ -';
const costs =
  'a map of at most 4 keys (a-z 0-9 _ -), each with a list of 1 to 100 values of A-Z a-z 0-9 . _ / - and blanks';
const domainList = 'a list of at most 50: domain names such as svc.cluster.local';
const reference = 'env://NAME or file:///path, a reference and never the key itself';
const address = 'an http:// or https:// address without user and password, or unix:///path';
const hook = 'an https:// address without user and password, or an http:// address on a private network';
const path = 'a path of at most 1024 characters without ".."';
const zone = 'an IANA zone such as Europe/Berlin or UTC';
const time = 'a time from 00:00 to 24:00';
const dateList = 'a list of at most 1000: dates such as 2026-12-24';
const moment = 'a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z';

/** Of each kind of field: what it refuses, how it shows that, and what it says is allowed. */
const refused: readonly [
  kind: string,
  field: () => z.ZodType,
  allowed: string,
  values: readonly (readonly [unknown, string])[],
][] = [
  [
    'text',
    () => fields.text(5),
    text5,
    [
      ['', '""'],
      ['   ', '"   "'],
      ['abcdef', '"abcdef"'],
      ['a\nb', String.raw`"a\nb"`],
      ['a\u0000', String.raw`"a\u0000"`],
      ['a\u007fb', '"a\u007fb"'],
      ['a\u001fb', String.raw`"a\u001fb"`],
      [1, '1'],
      [null, 'null'],
      [['a'], 'a list of 1'],
      [{}, 'a map'],
    ],
  ],
  ['prose', () => fields.prose(5), prose5, [['abcdef', '"abcdef"']]],
  [
    'slug',
    () => fields.slug(),
    aSlug,
    [
      ['', '""'],
      ['A', '"A"'],
      ['_a', '"_a"'],
      [`a${long(64)}`, `"a${long(58)}…"`],
      [1, '1'],
    ],
  ],
  [
    'number',
    () => fields.number(0, 1.5),
    'a number from 0 to 1.5',
    [
      [-0.1, '-0.1'],
      [1.6, '1.6'],
      ['1', '"1"'],
      [Number.NaN, 'NaN'],
      [true, 'true'],
    ],
  ],
  [
    'whole',
    () => fields.whole(1, 3),
    'a whole number from 1 to 3',
    [
      [0, '0'],
      [4, '4'],
      [1.5, '1.5'],
      ['2', '"2"'],
    ],
  ],
  [
    'milliseconds95',
    () => fields.milliseconds95(),
    p95,
    [
      ['p99', '"p99"'],
      [0, '0'],
      [600_001, '600001'],
      [1.5, '1.5'],
      [null, 'null'],
    ],
  ],
  [
    'yesNo',
    () => fields.yesNo(),
    'yes or no',
    [
      ['maybe', '"maybe"'],
      ['constructor', '"constructor"'],
      [1, '1'],
      ['', '""'],
    ],
  ],
  [
    'choice',
    () => fields.choice('safe_for_sensitive', 'API'),
    'one of safe_for_sensitive, API',
    [
      ['cloud', '"cloud"'],
      [true, 'true'],
      ['safeforsensitive', '"safeforsensitive"'],
    ],
  ],
  [
    'choices',
    () => fields.choices(1, 'mon', 'tue'),
    days,
    [
      ['mon, wed', '" wed"'],
      [['mon', 3], '3'],
      [[], 'a list of 0'],
      [' , ', '" , "'],
      [1, '1'],
    ],
  ],
  [
    'texts',
    () => fields.texts(0, 2, 3),
    'a list of at most 2: texts of 1 to 3 characters',
    [
      [['a', 'b', 'c'], 'a list of 3'],
      ['abcd', '"abcd"'],
      [['a', ''], '""'],
    ],
  ],
  [
    'tags',
    () => fields.tags(1),
    tagList,
    [
      ['a b', '"a b"'],
      [[1], '1'],
      [[], 'a list of 0'],
      [Array.from({ length: 65 }, (_, n) => `t${n}`), 'a list of 65'],
    ],
  ],
  [
    'fieldNames',
    () => fields.fieldNames(),
    names,
    [
      ['1a', '"1a"'],
      ['a b', '"a b"'],
      [[`a${long(64)}`], `"a${long(58)}…"`],
      [[null], 'null'],
    ],
  ],
  [
    'costTags',
    () => fields.costTags(),
    costs,
    [
      ['team', '"team"'],
      [null, 'null'],
      [['team'], 'a list of 1'],
      [{ team: [] }, 'a map'],
      [{ team: null }, 'a map'],
      [{ team: ['a', true] }, 'a map'],
      [{ team: ['-a'] }, 'a map'],
      [{ team: ['a!'] }, 'a map'],
      [{ team: [`a${long(64)}`] }, 'a map'],
      [{ team: Array.from({ length: 101 }, (_, n) => n) }, 'a map'],
      [{ 'a b': ['c'] }, 'a map'],
    ],
  ],
  [
    'domains',
    () => fields.domains(),
    domainList,
    [
      ['10.0.0.1', '"10.0.0.1"'],
      ['a.1', '"a.1"'],
      ['10', '"10"'],
      ['-a', '"-a"'],
      ['a-', '"a-"'],
      ['a..b', '"a..b"'],
      ['a.-b', '"a.-b"'],
      ['a.b-', '"a.b-"'],
      ['*', '"*"'],
      ['a_b', '"a_b"'],
      [[1], '1'],
    ],
  ],
  [
    'keyReference',
    () => fields.keyReference(),
    reference,
    [
      'sk-a-real-key',
      'env://1A',
      'env://A-B',
      `env://A${long(128)}`,
      'xenv://A',
      'env://A ',
      'file://relative',
      'file:///',
      'file:///a b',
      'file:///a\u0000',
      `file:///${long(1_025)}`,
      1,
    ].map((value) => [value, 'the value (not shown)'] as const),
  ],
  [
    'endpoint',
    () => fields.endpoint(),
    address,
    [
      ['example.com', '"example.com"'],
      ['xhttps://example.com', '"xhttps://example.com"'],
      ['ftp://example.com', '"ftp://example.com"'],
      ['https://a b', '"https://a b"'],
      [String.raw`https://a\b`, String.raw`"https://a\\b"`],
      ['https://', '"https://"'],
      ['https://user@h', 'an address with "@"'],
      ['https://:pass@h', 'an address with "@"'],
      ['https://h/#part', '"https://h/#part"'],
      ['unix:///a b', '"unix:///a b"'],
      ['unix:///a@b', 'an address with "@"'],
      ['unix:///', '"unix:///"'],
      ['xunix:///a', '"xunix:///a"'],
      [`http://h/${long(2_040)}`, `"http://h/${long(50)}…"`],
      [1, '1'],
    ],
  ],
  [
    'webhookAddress',
    () => fields.webhookAddress(),
    hook,
    [
      ['http://example.com', '"http://example.com"'],
      ['unix:///run/hook', '"unix:///run/hook"'],
      ['https://user:pass@example.com', 'an address with "@"'],
      ['nowhere', '"nowhere"'],
      [1, '1'],
    ],
  ],
  [
    'filePath',
    () => fields.filePath(),
    path,
    [
      ['a/../b', '"a/../b"'],
      [String.raw`a\..`, String.raw`"a\\.."`],
      ['..', '".."'],
      [long(1_025), `"${long(59)}…"`],
    ],
  ],
  [
    'timeZone',
    () => fields.timeZone(),
    zone,
    [
      ['Mars/Olympus', '"Mars/Olympus"'],
      ['U TC', '"U TC"'],
      ['+01:00', '"+01:00"'],
      ['', '""'],
      [1, '1'],
    ],
  ],
  [
    'timeOfDay',
    () => fields.timeOfDay(),
    time,
    [
      ['24:01', '"24:01"'],
      ['25:00', '"25:00"'],
      ['12:60', '"12:60"'],
      ['12:5', '"12:5"'],
      ['123:00', '"123:00"'],
      ['12:000', '"12:000"'],
      [1290, '1290'],
    ],
  ],
  [
    'dates',
    () => fields.dates(),
    dateList,
    [
      ['2026-02-29', '"2026-02-29"'],
      ['2026-13-01', '"2026-13-01"'],
      ['x2026-01-01', '"x2026-01-01"'],
      ['2026-01-01T', '"2026-01-01T"'],
      [[20260101], '20260101'],
    ],
  ],
  [
    'instant',
    () => fields.instant(),
    moment,
    [
      ['2026-02-29', '"2026-02-29"'],
      ['2026-02-29T12:00Z', '"2026-02-29T12:00Z"'],
      ['2026-02-28T25:00Z', '"2026-02-28T25:00Z"'],
      ['2026-02-28T12:00', '"2026-02-28T12:00"'],
      ['2026-02-28 12:00Z', '"2026-02-28 12:00Z"'],
      ['2026-02-28T12:00:00.Z', '"2026-02-28T12:00:00.Z"'],
      ['x2026-02-28T12:00Z', '"x2026-02-28T12:00Z"'],
      ['2026-02-28T12:00Zx', '"2026-02-28T12:00Zx"'],
      [true, 'true'],
      [2026, '2026'],
    ],
  ],
  [
    'instantOrYes',
    () => fields.instantOrYes(),
    `yes, ${moment}`,
    [
      [false, 'false'],
      ['no', '"no"'],
      ['soon', '"soon"'],
    ],
  ],
];

test.each(refused)(
  'a field %s refuses anything else, and says the value and what is allowed',
  (_kind, field, allowed, values) => {
    for (const [value, shown] of values) expect(read(field(), value)).toBe(`refused: ${shown} must be ${allowed}`);
    expect(read(field(), undefined)).toBe(`refused: is missing; it must be ${allowed}`);
    expect(z.toJSONSchema(field(), { unrepresentable: 'any' })).toMatchObject({ allowed });
  },
);

test('a map says which fields it has: the first six in words, all of them to what is unknown', () => {
  const of = (count: number) =>
    fields.record(Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, z.unknown().optional()])));
  expect(read(of(6), 'x')).toBe('refused: "x" must be a map of f0, f1, f2, f3, f4, f5');
  expect(read(of(7), [])).toBe('refused: a list of 0 must be a map of f0, f1, f2, f3, f4, f5, …');
  expect(read(of(2), { f0: 1, g: 1 })).toBe('refused: f0 f1');
  expect(read(of(2), { f0: 1 })).toEqual({ f0: 1 });
});
