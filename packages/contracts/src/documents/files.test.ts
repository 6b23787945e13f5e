import { expect, test } from 'vitest';
import { formatProblem, parseDocuments } from './index.ts';

const problemsOf = (text: string): string[] => parseDocuments('f', text).problems.map(formatProblem);
const parsed = (text: string) => {
  const { documents, problems } = parseDocuments('f', text);
  expect(problems.map(formatProblem)).toEqual([]);
  return documents;
};
const kindsOf = (text: string): string[] =>
  parsed(text).map(({ document }) => `${document.kind} ${document.body.name}`);
const kinds = 'model, route, task_type, client, project, reflex, schedule, settings';

test('documents stand by themselves, in a list, or in lists by their kinds', () => {
  expect(kindsOf('kind: " Client "\nname: a')).toEqual(['client a']);
  expect(kindsOf('- kind: client\n  name: a\n- kind: PROJECT\n  name: b')).toEqual(['client a', 'project b']);
  expect(kindsOf('settings: {unnamed: reject}')).toEqual(['settings global']);
  expect(kindsOf('clients: [{name: a}]\nprojects: [{name: b}]\nreflexes: [{name: c, preferred_model: M}]')).toEqual([
    'client a',
    'project b',
    'reflex c',
  ]);
  expect(kindsOf('\uFEFFkind: client\nname: a')).toEqual(['client a']);
});

test.each<[string, string[]]>([
  ['just text', ['f:1: "just text" must be a document: a map with kind, or lists such as models']],
  ['# one\n7', ['f:2: 7 must be a document: a map with kind, or lists such as models']],
  ['- kind: client\n  name: a\n- 7', ['f:3: [1]: 7 must be a map with kind']],
  ['- [x]', ['f:1: [0]: a list of 1 must be a map with kind']],
  ['x: 1\nname: a', [`f:1: kind: is missing; it must be one of ${kinds}`]],
  ['- name: a\n  kind: 7', [`f:2: [0].kind: 7 must be one of ${kinds}`]],
  ['clients:\n  a: 1', ['f:1: clients: a map must be a list']],
  [
    'clients: []\nfoo: []',
    [
      'f:2: foo: unknown field "foo"; allowed: models, routes, task_types, clients, projects, reflexes, schedules, settings',
    ],
  ],
  ['clients:\n- name: a\n- 7', [expect.stringMatching(/^f:3: clients\[1\]: 7 must be a map of /) as string]],
  [
    'kind: settings\nname: x\nslug: y',
    [
      'f:2: name: "x" must be global; there is one document of settings',
      'f:3: slug: "y" must be global; there is one document of settings',
    ],
  ],
  [
    'kind: client\nno_such: 1\nname:\n',
    [
      expect.stringMatching(/^f:2: no_such: unknown field/) as string,
      'f:3: name: null must be text of 1 to 100 characters on one line',
    ],
  ],
  ['[a]', ['f:1: primary: is missing; a route must name at least its primary model']],
  ['[a]\n- x', ['f:2: a list of 1 must be fields of the route']],
  ['[a]\nprimary: A\n---\nprimary: B', ['f:4: a section holds one document']],
  ['[a]\nprimary: A\nname: b', ['f:3: name: stands in the heading already']],
  ['[a]\nprimary: "', [expect.stringMatching(/^f:\d: cannot be read: /) as string]],
])('%j is told as what it is', (text, problems) => {
  expect(problemsOf(text)).toEqual(problems);
});

test('a document knows its lines, and whether it states its slug', () => {
  const [a, b] = parsed(
    'kind: client\nname: A\ndata_rules:\n  avoid_cloud: yes\n---\nkind: client\nname: B\nslug: c\n',
  );
  expect([a?.line, a?.lineOf('data_rules.avoid_cloud'), a?.lineOf('data_rules.none'), a?.lineOf('slug')]).toEqual([
    1, 4, 3, 1,
  ]);
  expect([a?.isSlugStated, b?.isSlugStated, b?.lineOf('slug')]).toEqual([false, true, 8]);
  const [section] = parsed('# a\n[x]\nprimary: A\n');
  expect([section?.line, section?.lineOf('name'), section?.lineOf('primary'), section?.lineOf('other')]).toEqual([
    2, 2, 3, 3,
  ]);
});

test('fences around a file are taken away, and fences within a text stay', () => {
  expect(kindsOf('  ```yaml\nkind: client\nname: a\n```\n')).toEqual(['client a']);
  const [noted] = parsed(
    'kind: model\nname: A\ntags: [code]\ncall_method: API\nprovider: openai\nstyle:\n  prompt_format: |\n    ```\n    x\n',
  );
  expect(noted?.document.body).toMatchObject({ style: { prompt_format: '```\nx' } });
});

test('of one file a hundred problems are told, and how many more there are', () => {
  const text = Array.from({ length: 103 }, () => 'kind: client').join('\n---\n');
  const problems = problemsOf(text);
  expect(problems).toHaveLength(101);
  expect(problems.at(-1)).toBe('f:199: and 3 more problems');
});
