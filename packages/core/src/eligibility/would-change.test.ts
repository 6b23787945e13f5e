import { expect, test } from 'vitest';
import { decide } from '../routing/decide.ts';
import type { AnyDocument, ClientDocument, ModelDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import { client, facts, model, openByDefault, project, route, snapshotOf } from '../testing/documents.ts';
import { whatWouldChange } from './would-change.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const pinned = "gpt-4 (the client's default)";

interface Example {
  readonly gpt4?: Partial<ModelDocument>;
  readonly acme?: Partial<ClientDocument>;
  readonly asked?: Partial<Facts>;
  readonly more?: readonly AnyDocument[];
}
const worldOf = ({ gpt4 = {}, acme = {}, more = [] }: Example) =>
  snapshotOf(
    openByDefault,
    model('GPT-4', gpt4),
    model('LLaMA', { call_method: 'on-device', provider: 'gguf', local: { path: 'm.gguf' }, capabilities: ['tools'] }),
    route('text_gen', ['LLaMA']),
    client('Acme', { default_model: 'GPT-4', ...acme }),
    ...more,
  );
const askedOf = ({ asked = {} }: Example): Facts => facts({ client: 'acme', ...asked });
const changesOf = (example: Example) => whatWouldChange(worldOf(example), askedOf(example), nowMs);
const isCandidate = (example: Example): boolean =>
  decide(worldOf(example), askedOf(example), nowMs).candidates.some(({ model: slug }) => slug === 'gpt-4');

/** A case, the change as it is told, and the same case with that change made for real. */
const told: readonly (readonly [string, Example, string, Example])[] = [
  [
    'tier',
    { gpt4: { tier: 'premium' } },
    'the task had high priority',
    { gpt4: { tier: 'premium' }, asked: { priority: 'high' } },
  ],
  [
    'avoid_cloud',
    { acme: { data_rules: { avoid_cloud: true } } },
    'client acme did not ask for avoid_cloud',
    { acme: { data_rules: {} } },
  ],
  [
    'use_compliant_only',
    { acme: { data_rules: { use_compliant_only: true }, compliance: ['GDPR'] } },
    'gpt-4 stated compliance [GDPR] in force, if that is true',
    {
      acme: { data_rules: { use_compliant_only: true }, compliance: ['GDPR'] },
      gpt4: { compliance: [{ standard: 'GDPR' }] },
    },
  ],
  [
    'data_residency',
    { acme: { data_rules: { data_residency: 'EU' } } },
    'gpt-4 stated `data_residency: EU`, if that is true',
    { acme: { data_rules: { data_residency: 'EU' } }, gpt4: { data_residency: 'EU' } },
  ],
  [
    'customer_data',
    { acme: { data_class: 'customer' } },
    'gpt-4 stated `allowed_tasks: { can_this_model_see_customer_data: yes }`, if that is true',
    { acme: { data_class: 'customer' }, gpt4: { allowed_tasks: { can_this_model_see_customer_data: true } } },
  ],
  [
    'a class that the task raised',
    { asked: { dataClass: 'customer-sensitive' }, gpt4: { allowed_tasks: { can_this_model_see_customer_data: true } } },
    'the task were of customer data',
    { asked: { dataClass: 'customer' }, gpt4: { allowed_tasks: { can_this_model_see_customer_data: true } } },
  ],
  ['capability', { asked: { needs: ['tools'] } }, 'the task did without tools', { asked: { needs: [] } }],
  [
    'task_type',
    { gpt4: { tags: ['code'] } },
    'gpt-4 stated the tag text_gen, if it can do that',
    { gpt4: { tags: ['code', 'text_gen'] } },
  ],
  [
    'context_length',
    { gpt4: { context_tokens: 1_000 }, asked: { inputTokens: 4_000 } },
    'the task had at most 1000 tokens of input',
    { gpt4: { context_tokens: 1_000 }, asked: { inputTokens: 1_000 } },
  ],
  [
    'max_output',
    { gpt4: { limits: { max_tokens_per_call: 1_000 } }, asked: { maxOutputTokens: 2_000 } },
    'the task let its output be clamped',
    { gpt4: { limits: { max_tokens_per_call: 1_000 } }, asked: { maxOutputTokens: 0 } },
  ],
  ['retired', { gpt4: { retired: '2026-01-01T00:00:00.000Z' } }, 'gpt-4 stated no `retired`, if it still answers', {}],
];

test.each(told)('%s: the change that is told lets the model in when it is made', (_rule, example, words, changed) => {
  expect(isCandidate(example)).toBe(false);
  expect(changesOf(example)).toContain(`${pinned} would be a candidate if ${words}`);
  expect(isCandidate(changed)).toBe(true);
});

test('nothing is told where the first wish is granted', () => {
  expect(changesOf({})).toEqual([]);
  expect(whatWouldChange(worldOf({}), facts({ client: 'default' }), nowMs)).toEqual([]);
});

test('where two rules are broken, or two documents ask for the same, no single change is made up', () => {
  const two = { acme: { data_rules: { avoid_cloud: true } }, gpt4: { tier: 'premium' } } as const;
  expect(changesOf(two)).toEqual([
    `no single change makes ${pinned} a candidate: it breaks 2 rules: avoid_cloud, tier`,
  ]);
  const doubled = {
    acme: { data_rules: { avoid_cloud: true } },
    more: [project('P', { data_rules: { avoid_cloud: true } })],
    asked: { project: 'p' },
  };
  expect(changesOf(doubled)).toEqual([`no single change makes ${pinned} a candidate: it breaks avoid_cloud`]);
});

test('a class that the documents give is not talked down', () => {
  expect(changesOf({ acme: { data_class: 'customer' } })).toHaveLength(1);
});

test('a model that nobody knows is told with names like it', () => {
  expect(changesOf({ asked: { model: 'GTP-4' } })).toEqual([
    'GTP-4 (the task asks for it) would be a candidate if a model had this name or alias; nearest: GPT-4',
  ]);
});

test('a premium model that is kept for when nothing else is left needs high priority to come first', () => {
  const example = { gpt4: { tier: 'premium' }, more: [route('code', ['LLaMA'], { premium_if_empty: true })] } as const;
  const asked = { taskType: 'code' };
  expect(changesOf({ ...example, asked })).toEqual([`${pinned} would be a candidate if the task had high priority`]);
});

const allOf = (example: Example): readonly string[] =>
  changesOf(example).map((line) => line.replace(`${pinned} would be a candidate if `, ''));
const eu = { acme: { data_rules: { data_residency: 'EU' } } } as const;
const anyStandard = { acme: { data_rules: { use_compliant_only: true } } } as const;
const small = { limits: { max_tokens_per_call: 1_000 } } as const;

test.each<[string, Example, readonly string[]]>([
  ['a place', eu, ['gpt-4 stated `data_residency: EU`, if that is true', 'client acme did not ask for data_residency']],
  [
    'a place that a project asks for',
    { more: [project('P', { data_rules: { data_residency: 'EU' } })], asked: { project: 'p' } },
    ['gpt-4 stated `data_residency: EU`, if that is true', 'project p did not ask for data_residency'],
  ],
  [
    'any standard',
    anyStandard,
    [
      'gpt-4 stated compliance of some standard in force, if that is true',
      'client acme did not ask for use_compliant_only',
    ],
  ],
  [
    'a standard beside another one',
    { acme: { ...anyStandard.acme, compliance: ['HIPAA', 'GDPR'] }, gpt4: { compliance: [{ standard: 'HIPAA' }] } },
    [
      'gpt-4 stated compliance [HIPAA, GDPR] in force, if that is true',
      'client acme did not ask for use_compliant_only',
    ],
  ],
  [
    'off the cloud',
    { acme: { data_rules: { avoid_cloud: true } }, gpt4: { call_method: 'container' } },
    ['gpt-4 stated a private address as its place', 'client acme did not ask for avoid_cloud'],
  ],
  [
    'an API off the cloud',
    { acme: { data_rules: { avoid_cloud: true } } },
    ['client acme did not ask for avoid_cloud'],
  ],
  [
    'sensitive data',
    { asked: { dataClass: 'sensitive' } },
    [
      'gpt-4 stated `security_level: safe_for_sensitive`, if that is true',
      'the task said nothing of its data',
      'the task were of open data',
    ],
  ],
  [
    'sensitive data by document',
    { acme: { data_class: 'sensitive' } },
    ['gpt-4 stated `security_level: safe_for_sensitive`, if that is true'],
  ],
  [
    'capabilities',
    { asked: { needs: ['tools', 'vision', 'json'] }, gpt4: { capabilities: ['json'] } },
    ['gpt-4 stated the capabilities tools, vision, if it has them', 'the task did without tools, vision'],
  ],
  [
    'a long input',
    { gpt4: { context_tokens: 1_000 }, asked: { inputTokens: 4_000, maxOutputTokens: 400 } },
    ['the task had at most 600 tokens of input'],
  ],
  [
    'an output that is too long by itself',
    { gpt4: { context_tokens: 1_000 }, asked: { maxOutputTokens: 1_000 } },
    ['the task let its output be clamped'],
  ],
  [
    'a call that is too large',
    { gpt4: small, asked: { inputTokens: 4_000 } },
    ['gpt-4 stated a larger max_tokens_per_call', 'the task had at most 1000 tokens of input'],
  ],
  [
    'an output that is too large',
    { gpt4: small, asked: { inputTokens: 900, maxOutputTokens: 200 } },
    [
      'gpt-4 stated a larger max_tokens_per_call',
      'the task had at most 800 tokens of input',
      'the task let its output be clamped',
    ],
  ],
  ['retirement', { gpt4: { retired: true } }, ['gpt-4 stated no `retired`, if it still answers']],
  [
    'another modality',
    { asked: { input: ['audio'] } },
    [`no single change makes ${pinned} a candidate: it breaks modality`],
  ],
])('all that would change it is told: %s', (_what, example, changes) => {
  expect(allOf(example)).toEqual(changes);
});

test('a caller without a document is told nothing, and a name like no other is told without names', () => {
  expect(changesOf({ asked: { client: 'gone', model: 'GPT-4' } })).toEqual([]);
  expect(changesOf({ asked: { model: 'zzzzzzzzz' } })).toEqual([
    'zzzzzzzzz (the task asks for it) would be a candidate if a model had this name or alias',
  ]);
});

test('where nothing is asked for nothing is told', () => {
  const empty = snapshotOf(openByDefault, client('acme'));
  expect(whatWouldChange(empty, facts({ client: 'acme', taskType: 'ocr' }), nowMs)).toEqual([]);
});
