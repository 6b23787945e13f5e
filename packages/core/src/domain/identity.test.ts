import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSnapshot } from '../snapshot/compile-snapshot.ts';
import { decide } from '../routing/decide.ts';
import type { AnyDocument } from './documents.ts';
import { exclusionOf, requirementOf } from '../eligibility/eligibility.ts';
import {
  modelSlugOf,
  nearestInWords,
  nearestOf,
  projectNotTheirs,
  resolveCaller,
  slugNamed,
  unknownClient,
} from './identity.ts';
import { limitsOn } from '../usage/limits.ts';
import { nameKey, slugOf, slugPattern } from './names.ts';
import type { Model } from '../snapshot/snapshot.ts';
import { client, facts, model, openByDefault, project, reflex, route, snapshotOf } from '../testing/documents.ts';

const strict = { data_rules: { avoid_cloud: true } };
const world = snapshotOf(
  openByDefault,
  model('Cloud'),
  route('text_gen', ['Cloud']),
  client('Müller Recht', { ...strict, aliases: ['Kanzlei 7'] }),
  client('Møller Recht', strict),
  client('Юрист', strict),
  client('東京法務', strict),
  client('AcmeLegal', { ...strict, slug: 'acme' }),
  project('Merger 7', { client: 'AcmeLegal', budget: { daily: { requests: 1 } } }),
  project('Anyones'),
);
const withRules = ['Müller Recht', 'Kanzlei 7', 'Møller Recht', 'Юрист', '東京法務', 'AcmeLegal', 'acme'];

/** One way or another to write a name. */
const waysToSpell: readonly ((name: string) => string)[] = [
  (name) => name.normalize('NFD'),
  (name) => name.normalize('NFKD'),
  (name) => name.toUpperCase(),
  (name) => name.toLowerCase(),
  (name) => ` ${name}\t`,
  (name) => name.replaceAll(' ', ' \u00a0 '),
  (name) => [...name].join('\u200b'),
  (name) => `\ufeff${name}\u00ad`,
  (name) => name.replace(/.$/u, '$&\ufe0f'),
  (name) => name.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0)),
];
/** Ways that make another name of it. */
const waysToMistype: readonly ((name: string) => string)[] = [
  (name) => `${name}l`,
  (name) => name.slice(1),
  (name) => name.replace(/[aeiou]/i, ''),
  (name) => name.replace('e', 'е'),
  (name) => name.replaceAll(' ', '-'),
  (name) => `${name}.`,
];
const spelled = fc
  .tuple(fc.constantFrom(...withRules), fc.array(fc.constantFrom(...waysToSpell), { maxLength: 4 }))
  .map(([name, ways]) => [name, ways.reduce((text, way) => way(text), name)] as const);

test('500 spellings of a client with rules are that client', () => {
  fc.assert(
    fc.property(spelled, ([name, spelling]) => {
      expect(slugNamed(world, 'client', spelling)).toBe(slugNamed(world, 'client', name));
    }),
    { numRuns: 500 },
  );
});

test('whatever a caller says, it is a documented client or rejected, and never the default one', () => {
  const said = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.tuple(spelled, fc.constantFrom(...waysToMistype)).map(([[, spelling], mistype]) => mistype(spelling)),
  );
  fc.assert(
    fc.property(said, (name) => {
      const who = resolveCaller(world, { client: name }, { clientOfProject: true });
      if ('rule' in who) return who.rule === 'unknown_client';
      return who.client !== 'default' || nameKey(name) === 'default';
    }),
    { numRuns: 20_000 },
  );
});

test('the key of a name is its own key, and a slug is always one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
      expect(nameKey(nameKey(name))).toBe(nameKey(name));
      expect(slugOf(name) === '' || slugPattern.test(slugOf(name))).toBe(true);
      expect(slugOf(nameKey(name))).toBe(slugOf(name));
    }),
    { numRuns: 20_000 },
  );
});

test('plain names keep their slugs; a name that ASCII cannot spell has a hash in it', () => {
  const slugs = ['GPT-3.5', 'local:LLaMA', 'AcmeLegal', 'auto_debug_logs', ' Blue  Bakery '].map(slugOf);
  expect(slugs).toEqual(['gpt-3-5', 'local-llama', 'acmelegal', 'auto_debug_logs', 'blue-bakery']);
  expect(slugOf('Müller Recht')).toMatch(/^m-ller-recht-[0-9a-f]{8}$/);
  expect(slugOf('Müller Recht')).not.toBe(slugOf('Møller Recht'));
  expect(slugOf('東京法務')).toMatch(/^[0-9a-f]{8}$/);
  expect([slugOf('***'), slugOf('\u200b')]).toEqual(['', '']);
});

test('slugs, names and aliases of one kind are unique together, and both documents are named', () => {
  const problemsOf = (...documents: AnyDocument[]) => {
    const compiled = compileSnapshot(1, documents);
    return 'problems' in compiled ? compiled.problems.map(({ slug, message }) => `${slug}: ${message}`) : [];
  };
  const named = (name: string, slug: string, aliases: string[] = []) => client(name, { slug, aliases });
  const taken = (name: string) => `b: "${name}" already stands for client a; a name stands for one client`;
  expect(problemsOf(named('A', 'a'), named('Ａ', 'b'))).toEqual([taken('Ａ')]);
  expect(problemsOf(named('One', 'a'), named('Two', 'b', ['ONE\u200b']))).toEqual([taken('ONE\u200b')]);
  expect(problemsOf(named('One', 'a'), named('a', 'b'))).toEqual([taken('a')]);
  expect(problemsOf(named('Default', 'other'))).toEqual([
    'other: "Default" already stands for client default; a name stands for one client',
  ]);
});

test('a project names its client where none is named, and never another one', () => {
  const ask = (said: { client?: string; project: string }, clientOfProject = true) =>
    resolveCaller(world, { client: said.client, project: said.project }, { clientOfProject });
  expect(ask({ project: 'MERGER 7' })).toMatchObject({ client: 'acme', project: 'merger-7' });
  expect(ask({ client: 'default', project: 'merger-7' })).toMatchObject({ client: 'acme' });
  expect(ask({ client: 'Müller Recht', project: 'Merger 7' })).toMatchObject({ rule: 'foreign_project' });
  expect(ask({ project: 'Merger 7' }, false)).toMatchObject({ rule: 'foreign_project' });
  expect(ask({ client: 'Müller Recht', project: 'Anyones' })).toMatchObject({ project: 'anyones' });
  expect(ask({ project: 'Merger 8' })).toMatchObject({ rule: 'unknown_project' });
});

test('the predicate alone admits no model for a client or project that is unknown, removed or another one’s', () => {
  const cloud = world.models.get('cloud') as Model;
  const ruleOf = (asked: Parameters<typeof facts>[0]) =>
    exclusionOf(cloud, requirementOf(world, facts(asked)), facts(asked), 0)?.rule;
  expect(ruleOf({})).toBeUndefined();
  expect(ruleOf({ client: 'removed' })).toBe('unknown_client');
  expect(ruleOf({ project: 'removed' })).toBe('unknown_project');
  expect(ruleOf({ project: 'merger-7' })).toBe('foreign_project');
  for (const asked of [{ client: 'removed' }, { project: 'removed' }, { project: 'merger-7' }])
    expect(decide(world, facts(asked), 0).candidates).toEqual([]);
});

test('usage is charged to the owner of a project alone', () => {
  const cloud = world.models.get('cloud') as Model;
  expect(limitsOn(world, cloud, 'acme', 'merger-7').map(({ id }) => id)).toEqual(['merger-7']);
  expect(limitsOn(world, cloud, 'default', 'merger-7')).toEqual([]);
});

test('the default client has no rules but the class of the settings; a document tightens it, and a setting turns it off', () => {
  const classOf = (...documents: AnyDocument[]) => requirementOf(snapshotOf(...documents), facts()).dataClass;
  expect([classOf(), classOf(openByDefault)]).toEqual(['customer-sensitive', 'open']);
  expect(classOf(client('default', { data_class: 'open' }))).toBe('customer-sensitive');
  expect(classOf(openByDefault, client('default', { data_class: 'customer' }))).toBe('customer');
  const off: AnyDocument = { kind: 'settings', body: { name: 'global', slug: 'global', unnamed: 'reject' } };
  expect(resolveCaller(snapshotOf(off), { client: undefined }, { clientOfProject: true })).toEqual({
    rule: 'unknown_client',
    said: '',
    detail: 'the request names no client, and the settings reject that (unnamed: reject)',
  });
  expect(() => snapshotOf(off, client('default'))).toThrow('unnamed: reject');
});

const named = snapshotOf(
  openByDefault,
  model('Model One', { aliases: ['local:one'] }),
  client('Acme', { aliases: ['Big Client'] }),
  client('Strict', { strict_requests: true }),
  project('Night', { client: 'Acme', aliases: ['Nacht'] }),
  project('Open'),
  reflex('Debug It'),
);
const who = (said: Parameters<typeof resolveCaller>[1], clientOfProject = true) =>
  resolveCaller(named, said, { clientOfProject });

test('each kind of document is found by its own names alone', () => {
  const found = (said: string): readonly (string | undefined)[] =>
    (['model', 'client', 'project', 'reflex'] as const).map((kind) => slugNamed(named, kind, said));
  expect(found('LOCAL:ONE')).toEqual(['model-one', undefined, undefined, undefined]);
  expect(found('big client')).toEqual([undefined, 'acme', undefined, undefined]);
  expect(found('NACHT')).toEqual([undefined, undefined, 'night', undefined]);
  expect(found('DEBUG  it')).toEqual([undefined, undefined, undefined, 'debug-it']);
  expect([modelSlugOf(named, 'model-one'), modelSlugOf(named, 'gone')]).toEqual(['model-one', undefined]);
});

test.each<[string, Parameters<typeof resolveCaller>[1], object]>([
  ['nobody', { client: undefined }, { client: 'default', project: undefined, reflex: undefined, notices: [] }],
  [
    'empty names',
    { client: '', project: '', reflex: '' },
    { client: 'default', project: undefined, reflex: undefined, notices: [] },
  ],
  [
    'all three',
    { client: 'ACME', project: 'Nacht', reflex: 'DEBUG IT' },
    { client: 'acme', project: 'night', reflex: 'debug-it', notices: [] },
  ],
  [
    'an open project',
    { client: undefined, project: 'Open' },
    { client: 'default', project: 'open', reflex: undefined, notices: [] },
  ],
  [
    'the default by name',
    { client: ' Default ', project: 'Night' },
    { client: 'acme', project: 'night', reflex: undefined, notices: [] },
  ],
  [
    'an unknown reflex',
    { client: 'Acme', reflex: 'gone' },
    {
      client: 'acme',
      project: undefined,
      reflex: undefined,
      notices: ['no reflex has the slug, name or alias "gone"; it is ignored'],
    },
  ],
  [
    'an unknown reflex of a strict client',
    { client: 'Strict', reflex: 'gone' },
    { rule: 'unknown_reflex', detail: 'no reflex has the slug, name or alias "gone"', said: 'gone' },
  ],
  [
    'a strict client with a reflex',
    { client: 'Strict', reflex: 'Debug-It' },
    { client: 'strict', project: undefined, reflex: 'debug-it', notices: [] },
  ],
  [
    'an unknown client',
    { client: 'gone' },
    { rule: 'unknown_client', detail: 'no client has the slug, name or alias "gone"', said: 'gone' },
  ],
  [
    'an unknown project',
    { client: 'Acme', project: 'gone' },
    { rule: 'unknown_project', detail: 'no project has the slug, name or alias "gone"', said: 'gone' },
  ],
  [
    'a project of another one',
    { client: 'Strict', project: 'NACHT' },
    { rule: 'foreign_project', detail: 'project "night" does not belong to this client', said: 'NACHT' },
  ],
])('a caller who names %s is told apart', (_what, said, answer) => {
  expect(who(said)).toEqual(answer);
});

test('where callers do not say themselves who they are, a project is no proof', () => {
  expect(who({ client: undefined, project: 'Night' }, false)).toMatchObject({ rule: 'foreign_project', said: 'Night' });
  expect(who({ client: 'Acme', project: 'Night' }, false)).toMatchObject({ client: 'acme', project: 'night' });
});

test('names like the one that was said are those of its kind', () => {
  expect(nearestOf(named, 'client', 'Acm')).toEqual(['Acme']);
  expect(nearestOf(named, 'project', 'Acme')).toEqual([]);
  expect([nearestInWords(['Acme', 'B']), nearestInWords([])]).toEqual(['; nearest: "Acme", "B"', '']);
  expect(projectNotTheirs('p')).toBe('project "p" is not one of this client\'s');
  expect(unknownClient('')).toMatchObject({ rule: 'unknown_client', said: '' });
});

test('a slug has at most 64 characters, and may begin with a letter or digit only', () => {
  for (const slug of ['a', '0', 'a_b-c', 'x'.repeat(64)]) expect([slug, slugPattern.test(slug)]).toEqual([slug, true]);
  for (const slug of ['', '-a', '_a', 'A', 'a b', 'é', 'a\n', 'x'.repeat(65)])
    expect([slug, slugPattern.test(slug)]).toEqual([slug, false]);
  expect(slugOf('Müller')).toBe('m-ller-694f4633');
});
