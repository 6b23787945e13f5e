import { expect, test } from 'vitest';
import type { AnyDocument, ClientDocument, ModelDocument } from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import type { Model } from '../snapshot/snapshot.ts';
import { client, facts, model, openByDefault, project, route, snapshotOf } from '../testing/documents.ts';
import { brokenDataRules, exclusionOf, exclusionsOf, isUnrestricted, ownersOf, requirementOf } from './eligibility.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const past = '2026-11-23T12:00:00Z';
const future = '2026-11-23T12:00:01Z';

const detailOf = (
  over: Partial<ModelDocument>,
  asked: Partial<Facts> = {},
  ...documents: AnyDocument[]
): string | undefined => {
  const one = snapshotOf(openByDefault, model('m', over), model('next'), ...documents);
  const own = facts(asked);
  return exclusionOf(one.models.get('m') as Model, requirementOf(one, own), own, nowMs)?.detail;
};
const bound = (data_rules: NonNullable<ClientDocument['data_rules']>, over: Partial<ClientDocument> = {}) =>
  [{ client: 'a' }, client('a', { data_rules, ...over })] as const;
const compliant = bound({ use_compliant_only: true });
const gdpr = bound({ use_compliant_only: true }, { compliance: ['GDPR'] });

type DetailCase = readonly [
  detail: string | undefined,
  over: Partial<ModelDocument>,
  asked?: Partial<Facts>,
  ...documents: AnyDocument[],
];
const details: readonly DetailCase[] = [
  ['it is retired since 2026-11-23', { retired: past }],
  [undefined, { retired: future }],
  ['it is retired', { retired: true }],
  ['it is retired, replaced by next', { retired: true, replaced_by: 'next' }],
  [
    'customer data needs allowed_tasks: { can_this_model_see_customer_data: yes }, it is unknown',
    {},
    { dataClass: 'customer' },
  ],
  [
    'customer data needs allowed_tasks: { can_this_model_see_customer_data: yes }, it is no',
    { allowed_tasks: { can_this_model_see_customer_data: false } },
    { dataClass: 'customer' },
  ],
  ['sensitive data needs security_level: safe_for_sensitive, it is unknown', {}, { dataClass: 'sensitive' }],
  ['a call method other than API is needed, it is API', {}, ...bound({ avoid_cloud: true })],
  [
    'a private address is needed, that of this container model is public or unknown',
    { call_method: 'container' },
    ...bound({ avoid_cloud: true }),
  ],
  ['its compliance is unknown', {}, ...compliant],
  ['a compliance standard is needed, in force is none', { compliance: [] }, ...compliant],
  [
    'a compliance standard is needed, in force is none',
    { compliance: [{ standard: 'GDPR', expires_at: past }] },
    ...compliant,
  ],
  [undefined, { compliance: [{ standard: 'GDPR', expires_at: future }] }, ...compliant],
  ['GDPR is needed, in force is HIPAA', { compliance: [{ standard: 'HIPAA' }] }, ...gdpr],
  ['GDPR is needed, in force is none', { compliance: [] }, ...gdpr],
  ['data_residency EU is needed, it is unknown', {}, ...bound({ data_residency: 'EU' })],
  ['data_residency EU is needed, it is Global', { data_residency: 'Global' }, ...bound({ data_residency: 'EU' })],
  ['its tags code, ocr do not hold text_gen', { tags: ['code', 'ocr'] }],
  ['image goes in, it takes text', {}, { input: ['text', 'image'] }],
  ['audio must come out, it gives text', {}, { output: ['audio'] }],
  ['tools is needed, its capabilities are none', {}, { needs: ['tools'] }],
  ['tools is needed, its capabilities are a, b', { capabilities: ['a', 'b'] }, { needs: ['a', 'tools'] }],
  ['256 tokens of input exceed a context of 9 tokens', { context_tokens: 9 }],
  [
    '256 tokens of input and 7 of output exceed a context of 262 tokens',
    { context_tokens: 262 },
    { maxOutputTokens: 7 },
  ],
  ['256 tokens of input exceed max_tokens_per_call 255', { limits: { max_tokens_per_call: 255 } }],
  [
    '256 tokens of input and 7 of output exceed max_tokens_per_call 262, and the task allows no less',
    { limits: { max_tokens_per_call: 262 } },
    { maxOutputTokens: 7 },
  ],
  ['a premium model needs high_priority: true', { tier: 'premium' }],
  [undefined, { tier: 'premium' }, { priority: 'high' }],
];

test('an exclusion says what is wrong and what was allowed', () => {
  for (const [detail, over, asked, ...documents] of details)
    expect([over, detailOf(over, asked, ...documents)]).toEqual([over, detail]);
});

test('premium models may be had with high priority, where the route says so if nothing else is left, else not', () => {
  const premiumOf = (asked: Partial<Facts>, over: object = {}) =>
    requirementOf(snapshotOf(model('m'), route('text_gen', ['m'], over)), facts(asked)).premium;
  expect([
    premiumOf({ priority: 'high' }, { premium_if_empty: true }),
    premiumOf({}, { premium_if_empty: true }),
    premiumOf({}, { premium_if_empty: false }),
    premiumOf({ taskType: 'code' }, { premium_if_empty: true }),
    premiumOf({ priority: 'background' }),
  ]).toEqual(['yes', 'if_empty', 'no', 'no', 'no']);
});

const unrestricted = {
  dataClass: 'open',
  avoidCloud: false,
  compliantOnly: false,
  standards: [],
  residencies: [],
} as const;

test('nothing is restricted only where no rule on data holds', () => {
  expect(isUnrestricted(unrestricted)).toBe(true);
  for (const rule of [
    { dataClass: 'customer' },
    { avoidCloud: true },
    { compliantOnly: true },
    { standards: ['GDPR'] },
    { residencies: ['EU'] },
  ] as const)
    expect([rule, isUnrestricted({ ...unrestricted, ...rule })]).toEqual([rule, false]);
});

test('a model breaks each rule on data by itself', () => {
  const strict = {
    dataClass: 'customer-sensitive',
    avoidCloud: true,
    compliantOnly: true,
    standards: [],
    residencies: ['EU'],
  } as const;
  const known = snapshotOf(model('bare', { tier: 'premium', tags: ['x'] })).models.get('bare') as Model;
  expect(brokenDataRules(known, strict, nowMs)).toEqual([
    'customer_data',
    'security_level',
    'avoid_cloud',
    'use_compliant_only',
    'data_residency',
  ]);
  expect(brokenDataRules(known, unrestricted, nowMs)).toEqual([]);
});

test('the documents whose rules hold are those of the client and of the project that it names', () => {
  const one = snapshotOf(client('a'), project('p'));
  const slugsOf = (asked: Partial<Facts>): readonly string[] => ownersOf(one, facts(asked)).map(({ slug }) => slug);
  expect(slugsOf({ client: 'a' })).toEqual(['a']);
  expect(slugsOf({ client: 'a', project: 'p' })).toEqual(['a', 'p']);
  expect(slugsOf({ client: 'gone', project: 'gone' })).toEqual([]);
});

test('a caller without a document breaks one rule, whatever the model', () => {
  const one = snapshotOf(model('m', { tier: 'premium', tags: ['x'] }));
  const asked = facts({ client: 'x'.repeat(300) });
  const broken = exclusionsOf(one.models.get('m') as Model, requirementOf(one, asked), asked, nowMs);
  expect(broken).toMatchObject([{ model: 'm', rule: 'unknown_client' }]);
  expect(broken[0]).toEqual(exclusionOf(one.models.get('m') as Model, requirementOf(one, asked), asked, nowMs));
  expect(broken[0]?.detail).toMatch(/^no client has the slug, name or alias "x{80}…"$/);
});
