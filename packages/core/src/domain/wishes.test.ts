import { expect, test } from 'vitest';
import { plainName, wishIn } from './wishes.ts';

test('a name has one form however it is spelt', () => {
  expect(['dataCollection', 'data-collection', 'DATA.collection', 'data__collection', 'x1Y'].map(plainName)).toEqual([
    'data_collection',
    'data_collection',
    'data_collection',
    'data_collection',
    'x1_y',
  ]);
  expect(plainName('a'.repeat(200))).toHaveLength(128);
});

/** Names that state a wish, and some of the words of what to do instead. */
const wishes: readonly (readonly [instead: string, names: readonly string[]])[] = [
  ['must be false: content is not kept', ['store', '_store', 'STORE']],
  ['POST /v1/tasks', ['background', 'deferred']],
  ['send the whole conversation', ['previous_response_id', 'conversation']],
  ['retention at a provider', ['zdr']],
  ['say x-will-data-class', ['dataCollection']],
  ['call log', ['no-log']],
  ['answers are not cached', ['cache']],
  ['no guard is added', ['safe_prompt']],
  ['guards are extensions', ['guardrails']],
  [
    'by the documents of client and project',
    ['avoid_cloud', 'useCompliantOnly', 'on_prem', 'local', 'eu_only', 'air_gapped', 'allowed_tasks', 'x_offline'],
  ],
  ['name a model, or ask for a data class', ['provider']],
  ['name one model', ['models']],
  ['with its fallbacks', ['fallbacks']],
  ['belongs to a library', ['extra_body']],
  ['x-will-project', ['project']],
  ['x-will-client, or by the key', ['client']],
  ['is no attribute that is known here', ['will', 'will_class', 'x-will-class']],
  ['where data goes', ['region', 'data_residency', 'geo', 'countryCode', 'my_zone']],
  [
    'what becomes of data',
    ['storage', 'retain', 'logging', 'training', 'pii', 'redactions', 'hipaa', 'user_data', 'threads', 'cache_salt'],
  ],
  ['guards are not set', ['moderation', 'safety_level', 'dlp', 'policy', 'content_filtering']],
  ['which provider answers', ['providers', 'vendor', 'azure_x', 'bedrock']],
  ['"model" names one', ['model_x', 'engine', 'router', 'lora_name', 'checkpoint']],
  ['an address', ['base_url', 'host', 'proxy', 'ssl_verify', 'server']],
  ['keys and headers', ['api_key', 'authorization', 'extra_headers', 'session_token', 'hf_tokens']],
  ['who asks and who pays', ['workspace', 'organisation', 'client_id', 'customer', 'org_slug']],
  ['files are not kept', ['files', 'attachment', 'upload_id']],
  ['is not offered', ['webhook', 'plugins', 'mcp_tools', 'container']],
];

test.each(wishes)('%s', (instead, names) => {
  for (const name of names) expect([name, wishIn(name)?.instead]).toEqual([name, expect.stringContaining(instead)]);
});

test.each([
  'temperature',
  'tools',
  'message',
  'user',
  'max_tokens',
  'localized',
  'territory',
  'monkey',
  'prefile',
  'toString',
  'willing',
])('%s states no wish', (name) => {
  expect(wishIn(name)).toBeUndefined();
});

test.each<[field: string, harmless: unknown[], wishes: unknown[]]>([
  ['store', [false], [true, null, '', {}, 'false']],
  ['zdr', [false], [true, '']],
  ['previous_response_id', ['', {}, []], ['r', false, null, 0]],
  ['data_collection', ['allow', '', {}], ['deny', true]],
  [
    'cache',
    [false, '', {}, { 'no-cache': true }, { no_store: true }],
    [true, { ttl: 1 }, { 'no-cache': true, ttl: 1 }, { 'xno-cache': 1 }, null],
  ],
  ['provider', ['', {}], ['openai', { order: [] }]],
  ['region', ['', [], {}], ['eu', 1, false, null]],
])('%s asks for nothing with these values, and for something with others', (field, harmless, asking) => {
  const wish = wishIn(field);
  expect(harmless.map((value) => wish?.harmless(value))).toEqual(harmless.map(() => true));
  expect(asking.map((value) => wish?.harmless(value))).toEqual(asking.map(() => false));
});
