import { expect, test } from 'vitest';
import type { z } from 'zod';
import * as fields from './fields.ts';
import { long, read } from './testing.ts';

const maxSlug = `a${long(63)}`;

/** Of each kind of field: what it takes and what it makes of that. */
const taken: readonly [kind: string, field: () => z.ZodType, pairs: readonly (readonly [unknown, unknown])[]][] = [
  [
    'text',
    () => fields.text(5),
    [
      ['a', 'a'],
      ['  abcde ', 'abcde'],
      ['a\tb', 'a\tb'],
      ['é~', 'é~'],
    ],
  ],
  [
    'prose',
    () => fields.prose(5),
    [
      ['a\nb\r', 'a\nb'],
      ['a\tb', 'a\tb'],
    ],
  ],
  [
    'slug',
    () => fields.slug(),
    [
      ['a', 'a'],
      ['0_-', '0_-'],
      [maxSlug, maxSlug],
    ],
  ],
  [
    'number',
    () => fields.number(0, 1.5),
    [
      [0, 0],
      [1.5, 1.5],
      [0.1, 0.1],
    ],
  ],
  [
    'whole',
    () => fields.whole(1, 3),
    [
      [1, 1],
      [3, 3],
    ],
  ],
  [
    'milliseconds95',
    () => fields.milliseconds95(),
    [
      ['p95', 'p95'],
      [' P95 ', 'p95'],
      [1, 1],
      [600_000, 600_000],
    ],
  ],
  [
    'yesNo',
    () => fields.yesNo(),
    [
      [true, true],
      [false, false],
      [' Yes ', true],
      ['TRUE', true],
      ['on', true],
      ['No', false],
      ['false', false],
      ['OFF', false],
    ],
  ],
  [
    'choice',
    () => fields.choice('safe_for_sensitive', 'API'),
    [
      ['api', 'API'],
      [' Safe for-Sensitive ', 'safe_for_sensitive'],
      ['safe__ for -sensitive', 'safe_for_sensitive'],
    ],
  ],
  [
    'choices',
    () => fields.choices(1, 'mon', 'tue'),
    [
      ['MON, tue', ['mon', 'tue']],
      [['tue', 'tue'], ['tue']],
      ['mon,,', ['mon']],
    ],
  ],
  [
    'texts',
    () => fields.texts(0, 2, 3),
    [
      [[], []],
      ['', []],
      ['a, b ', ['a', 'b']],
      [
        ['abc', 'abc', 'b'],
        ['abc', 'b'],
      ],
    ],
  ],
  [
    'tags',
    () => fields.tags(1),
    [
      [' Text_Gen ', ['text_gen']],
      [
        ['a', 'A', 'b'],
        ['a', 'b'],
      ],
      [Array.from({ length: 64 }, (_, n) => `t${n}`), Array.from({ length: 64 }, (_, n) => `t${n}`)],
    ],
  ],
  [
    'fieldNames',
    () => fields.fieldNames(),
    [
      [
        ['Top_K', 'a-1'],
        ['Top_K', 'a-1'],
      ],
      [[], []],
      [[`A${long(63)}`], [`A${long(63)}`]],
    ],
  ],
  [
    'costTags',
    () => fields.costTags(),
    [
      [{ team: 'search, ads' }, { team: ['search', 'ads'] }],
      [{ team: [2026, ' a b ', 'a b'] }, { team: ['2026', 'a b'] }],
      [{ team: [`a${long(63)}`] }, { team: [`a${long(63)}`] }],
      [{}, {}],
    ],
  ],
  [
    'domains',
    () => fields.domains(),
    [
      ['*.SVC.cluster.local, .internal', ['svc.cluster.local', 'internal']],
      [
        ['a-b.c', '1.a', 'a.1b'],
        ['a-b.c', '1.a', 'a.1b'],
      ],
      [[' x '], ['x']],
    ],
  ],
  [
    'keyReference',
    () => fields.keyReference(),
    [
      ['env://_A1', 'env://_A1'],
      [`env://A${long(127)}`, `env://A${long(127)}`],
      ['file:///run/k.txt', 'file:///run/k.txt'],
      [`file:///${long(1_024)}`, `file:///${long(1_024)}`],
    ],
  ],
  [
    'endpoint',
    () => fields.endpoint(),
    [
      ['HTTPS://Example.com/v1/', 'https://example.com/v1'],
      ['http://h:8080', 'http://h:8080'],
      ['unix:///run/m.sock', 'unix:///run/m.sock'],
      ['https://h/?a=b', 'https://h/?a=b'],
      [`http://h/${long(2_039)}`, `http://h/${long(2_039)}`],
    ],
  ],
  [
    'webhookAddress',
    () => fields.webhookAddress(),
    [
      ['https://example.com/hook', 'https://example.com/hook'],
      ['http://10.0.0.1/hook', 'http://10.0.0.1/hook'],
    ],
  ],
  [
    'filePath',
    () => fields.filePath(),
    [
      ['models/a..b.gguf', 'models/a..b.gguf'],
      [long(1_024), long(1_024)],
    ],
  ],
  [
    'timeZone',
    () => fields.timeZone(),
    [
      ['UTC', 'UTC'],
      ['Etc/GMT+1', 'Etc/GMT+1'],
      ['America/Port-au-Prince', 'America/Port-au-Prince'],
    ],
  ],
  [
    'timeOfDay',
    () => fields.timeOfDay(),
    [
      ['00:00', '00:00'],
      [' 9:05 ', '09:05'],
      ['23:59', '23:59'],
      ['24:00', '24:00'],
    ],
  ],
  [
    'dates',
    () => fields.dates(),
    [
      ['2026-12-24, 2028-02-29', ['2026-12-24', '2028-02-29']],
      [[], []],
    ],
  ],
  [
    'instant',
    () => fields.instant(),
    [
      ['2027-01-31', '2027-01-31T00:00:00Z'],
      ['2027-01-31T12:00Z', '2027-01-31T12:00Z'],
      ['2027-01-31T12:00:00.123456789+01:30', '2027-01-31T12:00:00.123456789+01:30'],
      ['2027-01-31T12:00:00-01:00', '2027-01-31T12:00:00-01:00'],
    ],
  ],
  [
    'instantOrYes',
    () => fields.instantOrYes(),
    [
      [true, true],
      [' YES ', true],
      ['on', true],
      ['2027-01-31', '2027-01-31T00:00:00Z'],
    ],
  ],
];

test.each(taken)('a field %s reads what people write in its normal form', (_kind, field, pairs) => {
  for (const [value, expected] of pairs) expect([value, read(field(), value)]).toEqual([value, expected]);
});
