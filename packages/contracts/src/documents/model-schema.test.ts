import { expect, test } from 'vitest';
import { parseDocuments } from './parse-documents.ts';

/** A model of these fields as it is read; what is wrong with them, by field. */
function model(fields: object): unknown {
  const written = { kind: 'model', name: 'M', tags: ['code'], call_method: 'API', provider: 'openai', ...fields };
  const { documents, problems } = parseDocuments('m.json', JSON.stringify(written));
  return problems.length > 0
    ? problems.map(({ field, message }) => [field, message])
    : (documents[0]?.document.body as object);
}

test('a model says little and has the rest by default', () => {
  expect(model({})).toEqual({
    name: 'M',
    slug: 'm',
    aliases: [],
    tags: ['code'],
    call_method: 'API',
    provider: 'openai',
    capabilities: [],
    tier: 'standard',
  });
  const stated = { slug: 'x', aliases: ['A'], capabilities: ['tools'], tier: 'premium' };
  expect(model(stated)).toMatchObject(stated);
});

test.each<[string, object, string]>([
  ['a file of llama.cpp', { call_method: 'on-device', local: { path: 'a.GGUF' } }, 'gguf'],
  ['another file', { local: { path: 'a.gguf.bin', endpoint: 'http://h' } }, 'openai-compatible'],
  ['an address', { endpoint: 'http://h' }, 'openai-compatible'],
])('where no provider is stated, %s tells it', (_what, fields, provider) => {
  expect(model({ provider: undefined, ...fields })).toMatchObject({ provider });
});

test.each<[string, unknown, unknown]>([
  ['none', 'None ', []],
  ['an empty list', [], []],
  ['words', 'gdpr, HIPAA,GDPR', [{ standard: 'GDPR' }, { standard: 'HIPAA' }]],
  ['a list with none in it', ['none'], []],
  ['a map with evidence', [{ standard: 'gdpr', evidence: 'file 7' }], [{ standard: 'GDPR', evidence: 'file 7' }]],
  [
    'one standard twice, of which the last counts',
    ['GDPR', { standard: 'gdpr', expires_at: '2027-01-31' }],
    [{ standard: 'GDPR', expires_at: '2027-01-31T00:00:00Z' }],
  ],
])('compliance may be %s', (_what, compliance, read) => {
  expect(model({ compliance })).toMatchObject({ compliance: read });
});

const complianceAllowed = 'must be none, HIPAA, GDPR, a list of these, or a map of standard, evidence, expires_at';
test.each<[unknown, string, string]>([
  ['GDPR, ISO', 'compliance', '" ISO"'],
  ['none, GDPR', 'compliance', '"none"'],
  [['GDPR', 'none'], 'compliance[1]', '"none"'],
  [['GDPR', 7], 'compliance[1]', '7'],
  [[{ standard: 'GDPR', proof: 'x' }], 'compliance[0]', 'a map'],
  [{ standard: 'GDPR' }, 'compliance', 'a map'],
  [7, 'compliance', '7'],
  [null, 'compliance', 'null'],
])('compliance of %j is refused where it is wrong', (compliance, field, shown) => {
  expect(model({ compliance })).toEqual([[field, `${shown} ${complianceAllowed}`]]);
});

test.each<[string, object, [string, string][]]>([
  [
    'a name without a letter or digit',
    { name: '!!!' },
    [['name', '"!!!" has no letter or digit to make a slug from; give it a slug']],
  ],
  ['gguf without a file', { provider: 'gguf' }, [['local', 'provider gguf needs local.path, a .gguf file']]],
  [
    'a server without an address',
    { provider: 'openai-compatible' },
    [['endpoint', 'is missing; provider openai-compatible needs endpoint or local.endpoint']],
  ],
  [
    'an image that is not called as a container',
    { provider: 'openai-compatible', local: { container: 'i' } },
    [['endpoint', 'is missing; provider openai-compatible needs endpoint or local.endpoint']],
  ],
  [
    'a container without a place',
    { call_method: 'container' },
    [['local', 'call_method container needs local.container or an endpoint']],
  ],
  [
    'dates in the wrong order',
    { released: '2026-03-01', deprecated: '2026-02-01', retired: '2026-01-01' },
    [
      ['deprecated', '"2026-02-01T00:00:00Z" is before released'],
      ['retired', '"2026-01-01T00:00:00Z" is before released'],
      ['retired', '"2026-01-01T00:00:00Z" is before deprecated'],
    ],
  ],
  [
    'two names of one thing',
    { retired: '2027-01-01', retires_at: '2027-01-01', replaced_by: 'N', successor: 'N' },
    [
      ['retires_at', 'is another name of retired, which is there; say one'],
      ['successor', 'is another name of replaced_by, which is there; say one'],
    ],
  ],
  [
    'no rates of long inputs',
    { prices: { input: 1, output: 1, tiers: [] } },
    [['prices.tiers', expect.any(String) as string]],
  ],
  [
    'no rates of hours',
    { prices: { input: 1, output: 1, hours: [] } },
    [['prices.hours', expect.any(String) as string]],
  ],
])('%s is refused', (_what, fields, problems) => {
  expect(model(fields)).toEqual(problems);
});

test.each<[string, object]>([
  ['a name without a letter that has a slug', { name: '!!!', slug: 'x' }],
  ['gguf with a file', { provider: 'gguf', local: { path: 'a.gguf' } }],
  ['a server with an address', { provider: 'openai-compatible', endpoint: 'http://h' }],
  ['a server of its own', { provider: 'openai-compatible', local: { endpoint: 'http://h' } }],
  ['an image', { provider: 'openai-compatible', call_method: 'container', local: { container: 'i' } }],
  ['a container at an address', { call_method: 'container', endpoint: 'http://h' }],
  ['a container at a local address', { call_method: 'container', local: { endpoint: 'http://h' } }],
  ['dates that are the same', { released: '2026-01-01', deprecated: '2026-01-01', retired: '2026-01-01' }],
  ['a model that is retired at once', { released: '2026-01-01', deprecated: '2026-01-02', retired: true }],
])('%s is a model', (_what, fields) => {
  expect(model(fields)).not.toBeInstanceOf(Array);
});

test('a date under its other name is stored under the first', () => {
  const read = model({ retires_at: '2027-01-01', successor: 'N' });
  expect(read).toMatchObject({ retired: '2027-01-01T00:00:00Z', replaced_by: 'N' });
  expect(Object.keys(read as object)).not.toContain('retires_at');
  expect(Object.keys(read as object)).not.toContain('successor');
});
