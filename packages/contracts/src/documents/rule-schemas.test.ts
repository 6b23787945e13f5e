import { expect, test } from 'vitest';
import { parseDocuments } from './parse-documents.ts';

/** A document of these fields as it is read; what is wrong with them, by field. */
function read(kind: string, fields: object): unknown {
  const { documents, problems } = parseDocuments('d.json', JSON.stringify({ kind, ...fields }));
  return problems.length > 0 ? problems.map(({ field, message }) => [field, message]) : documents[0]?.document.body;
}

const everything = {
  premium_if_empty: true,
  wait_ms: 0,
  adaptive_timeout: false,
  mode: 'auto',
  goal: 'cost',
  timeouts: { first_token_ms: 1, idle_ms: 2, max_ms: 3_600_000 },
  hedge_after: 'p95',
};

test('a route has its steps by number, and all that it states', () => {
  expect(read('route', { name: 'Text Gen', primary: 'A', fallback_2: 'C', fallback_1: 'B', ...everything })).toEqual({
    name: 'Text Gen',
    slug: 'text-gen',
    steps: [
      { step: 'primary', model: 'A' },
      { step: 'fallback_1', model: 'B' },
      { step: 'fallback_2', model: 'C' },
    ],
    ...everything,
  });
  const steps = [{ step: 'primary', model: 'A' }];
  expect(read('route', { name: 'x', slug: 'y', steps })).toEqual({ name: 'x', slug: 'y', steps });
});

const primaryMissing = ['primary', 'is missing; a route must name at least its primary model'];
const noSlug = (name: string) => ['name', `"${name}" has no letter or digit to make a slug from`];
const step = { step: 's', model: 'M' };

test.each<[string, string, object, unknown]>([
  ['a route without a model', 'route', { name: 'x' }, [primaryMissing]],
  ['a route with fallbacks alone', 'route', { name: 'x', fallback_1: 'B' }, [primaryMissing]],
  ['a route with no step', 'route', { name: 'x', steps: [] }, [primaryMissing]],
  [
    'a route that is written in two ways',
    'route',
    { name: 'x', fallback_1: 'B', steps: [step] },
    [['steps', 'must not stand beside primary or fallback_…; write one of the two']],
  ],
  [
    'steps that are no list',
    'route',
    { name: 'x', steps: 'M' },
    [['steps', '"M" must be a list of maps of step, model']],
  ],
  [
    'too many steps',
    'route',
    { name: 'x', steps: Array.from({ length: 22 }, () => step) },
    [['steps', 'must have at most 21 items']],
  ],
  ['a route whose name makes no slug', 'route', { name: '?', primary: 'A' }, [noSlug('?')]],
  ['a client whose name makes no slug', 'client', { name: '?' }, [noSlug('?')]],
  [
    'a reflex without a model',
    'reflex',
    { name: 'r' },
    [['preferred_model', 'is missing; a reflex must name a preferred_model or a fallback']],
  ],
  [
    'a reflex with a gap',
    'reflex',
    { name: 'r', fallback_2: 'B' },
    [['fallback_2', expect.stringContaining('fallback_1')]],
  ],
  [
    'a window that opens as it closes',
    'schedule',
    { name: 's', from: '9:00', to: '09:00' },
    [['to', '"09:00" must differ from from; a whole day is 00:00 to 24:00']],
  ],
  [
    'a preference that is none',
    'schedule',
    { name: 's', from: '09:00', to: '10:00', prefer: 'fast' },
    [['prefer', '"fast" must be local, cheapest, or a map of tags']],
  ],
  [
    'settings of another name',
    'settings',
    { name: 'a', slug: 'b' },
    [
      ['name', '"a" must be global; there is one document of settings'],
      ['slug', '"b" must be global; there is one document of settings'],
    ],
  ],
])('%s is refused', (_what, kind, fields, problems) => {
  expect(read(kind, fields)).toEqual(problems);
});

test('a route may have 21 steps', () => {
  const steps = Array.from({ length: 21 }, () => step);
  expect(read('route', { name: 'x', steps })).toMatchObject({ steps });
});

test('a reflex has its fallbacks from a list, and then by number', () => {
  expect(read('reflex', { name: 'R', preferred_model: 'A', fallback: 'B, C', fallback_1: 'D' })).toEqual({
    name: 'R',
    slug: 'r',
    preferred_model: 'A',
    fallback: ['B', 'C', 'D'],
  });
  expect(read('reflex', { name: 'R', preferred_model: 'A' })).toEqual({ name: 'R', slug: 'r', preferred_model: 'A' });
  expect(read('reflex', { name: 'R', slug: 's', fallback_1: 'D' })).toEqual({ name: 'R', slug: 's', fallback: ['D'] });
});

test('a schedule is read in UTC where it names no zone', () => {
  const window = { name: 'Off Hours', from: '21:00', to: '6:00' };
  expect(read('schedule', window)).toEqual({ ...window, to: '06:00', slug: 'off-hours', time_zone: 'UTC' });
  const berlin = { time_zone: 'Europe/Berlin', prefer: { tags: ['code'] } };
  expect(read('schedule', { ...window, ...berlin })).toMatchObject(berlin);
  expect(read('schedule', { ...window, prefer: 'Cheapest' })).toMatchObject({ prefer: 'cheapest' });
});

test('clients and projects keep what they state and get their slug', () => {
  const rules = { data_rules: { avoid_cloud: true }, budget: { daily: { usd: 1.5 }, warn_at: 1 } };
  expect(read('client', { name: 'Acme Legal', ...rules })).toEqual({
    name: 'Acme Legal',
    slug: 'acme-legal',
    ...rules,
  });
  expect(read('project', { name: 'P', slug: 'q', client: 'acme' })).toEqual({ name: 'P', slug: 'q', client: 'acme' });
});

test('the settings are always global', () => {
  expect(read('settings', {})).toEqual({ name: 'global', slug: 'global' });
  expect(read('settings', { name: 'global', slug: 'global', unnamed: 'reject' })).toEqual({
    name: 'global',
    slug: 'global',
    unnamed: 'reject',
  });
});

test('numbers of rules have their bounds', () => {
  const allowed: [string, object][] = [
    ['route', { name: 'x', primary: 'A', wait_ms: 60_001 }],
    ['route', { name: 'x', primary: 'A', timeouts: { max_ms: 3_600_001 } }],
    ['route', { name: 'x', primary: 'A', timeouts: { idle_ms: 0 } }],
    ['client', { name: 'c', keep_content_hours: 721 }],
    ['client', { name: 'c', keep_content_hours: 0 }],
    ['client', { name: 'c', budget: { warn_at: 1.1 } }],
    ['client', { name: 'c', budget: { daily: { requests: -1 } } }],
    ['client', { name: 'c', budget: { monthly: { tokens: 1e12 + 1 } } }],
    ['client', { name: 'c', budget: { monthly: { usd: 1e9 + 1 } } }],
  ];
  for (const [kind, fields] of allowed)
    expect(read(kind, fields)).toEqual([[expect.any(String), expect.stringMatching(/must be a .*number/)]]);
});
