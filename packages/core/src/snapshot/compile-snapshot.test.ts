import { expect, test } from 'vitest';
import { compileSnapshot, type CompileProblem } from './compile-snapshot.ts';
import { modelSlugOf } from '../domain/identity.ts';
import type { AnyDocument, ModelDocument } from '../domain/documents.ts';
import { slugOf } from '../domain/names.ts';
import type { Snapshot } from './snapshot.ts';

const model = (name: string, rest: Partial<ModelDocument> = {}): AnyDocument => ({
  kind: 'model',
  body: {
    name,
    slug: slugOf(name),
    aliases: [],
    tags: ['text_gen'],
    call_method: 'API',
    provider: 'openai-compatible',
    capabilities: [],
    tier: 'standard',
    ...rest,
  },
});
const route = (name: string, ...models: string[]): AnyDocument => ({
  kind: 'route',
  body: {
    name,
    slug: name,
    steps: models.map((model, index) => ({
      step: index === 0 ? 'primary' : `fallback_${index}`,
      model,
    })),
  },
});

function compiled(...documents: AnyDocument[]): Snapshot {
  const result = compileSnapshot(7, documents);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.snapshot;
}
function problemsOf(...documents: AnyDocument[]): readonly CompileProblem[] {
  const result = compileSnapshot(7, documents);
  return 'problems' in result ? result.problems : [];
}

test('names, aliases and slugs stand for a model in any case', () => {
  const snapshot = compiled(
    model('GPT-3.5'),
    model('SmolLM2', { aliases: ['local:LLaMA'] }),
    route('text_gen', 'gpt-3.5', 'GPT-3-5', 'LOCAL:llama'),
  );
  expect(snapshot.routes.get('text_gen')?.steps).toEqual([
    { step: 'primary', model: 'gpt-3-5' },
    { step: 'fallback_2', model: 'smollm2' },
  ]);
  expect(modelSlugOf(snapshot, ' Local:LLaMA ')).toBe('smollm2');
  expect(modelSlugOf(snapshot, 'GPT-9')).toBeUndefined();
});

test('a name that no model has is a problem that names the nearest known ones', () => {
  const client: AnyDocument = {
    kind: 'client',
    body: { name: 'Acme', slug: 'acme', default_model: 'Claude3' },
  };
  const reflex: AnyDocument = {
    kind: 'reflex',
    body: {
      name: 'r',
      slug: 'r',
      preferred_model: 'GPT-4',
      fallback: ['GTP-4'],
    },
  };
  expect(problemsOf(model('GPT-4'), model('Claude 3'), route('code', 'GPT-5'), client, reflex)).toEqual([
    {
      kind: 'route',
      slug: 'code',
      field: 'primary',
      message: '"GPT-5" is no model; nearest: "GPT-4"',
    },
    {
      kind: 'client',
      slug: 'acme',
      field: 'default_model',
      message: '"Claude3" is no model; nearest: "Claude 3"',
    },
    {
      kind: 'reflex',
      slug: 'r',
      field: 'fallback[0]',
      message: '"GTP-4" is no model; nearest: "GPT-4"',
    },
  ]);
});

test('a name stands for one model only, and a slug for one document', () => {
  expect(
    problemsOf(model('A', { aliases: ['same'] }), model('B', { aliases: ['Same', 'a'] })).map(
      ({ slug, field }) => `${slug} ${field}`,
    ),
  ).toEqual(['b aliases[0]', 'b aliases[1]']);
  expect(problemsOf(model('GPT-3.5'), model('GPT 3 5'))[0]?.message).toContain('has the slug gpt-3-5');
});

test('a stand-in follows its model in every route, once, and never in a circle', () => {
  const snapshot = compiled(
    model('LLaMA', { aliases: ['local:LLaMA'], stand_in: 'Small' }),
    model('Small', { stand_in: 'LLaMA' }),
    model('GPT-4'),
    route('text_gen', 'GPT-4', 'local:LLaMA', 'Small'),
  );
  expect(snapshot.routes.get('text_gen')?.steps).toEqual([
    { step: 'primary', model: 'gpt-4' },
    { step: 'fallback_1', model: 'llama' },
    { step: 'fallback_1_stand_in', model: 'small' },
  ]);
  expect(problemsOf(model('A', { stand_in: 'nobody' }))[0]?.field).toBe('stand_in');
});

test('a project belongs to a known client', () => {
  const client: AnyDocument = {
    kind: 'client',
    body: { name: 'AcmeLegal', slug: 'acmelegal' },
  };
  const project = (name: string): AnyDocument => ({
    kind: 'project',
    body: { name: 'P', slug: 'p', client: name },
  });
  expect(compiled(client, project('acmeLegal')).projects.get('p')?.client).toBe('acmelegal');
  expect(problemsOf(client, project('AcmeLegl'))[0]?.message).toBe('"AcmeLegl" is no client; nearest: "AcmeLegal"');
});

test('what a model is compiled to: integer money, modalities by tag, unknown stays unknown', () => {
  const snapshot = compiled(
    model('W', {
      tags: ['transcription'],
      benchmark: { cost_per_1k_tokens_usd: { input: 0.00015, output: 0.0006 } },
    }),
    model('V', { tags: ['text_gen', 'vision'] }),
    model('E', { tags: ['embedding'] }),
    model('M', {
      modalities: { input: ['video'], output: ['text'] },
      compliance: [
        { standard: 'GDPR', expires_at: '2027-01-01T00:00:00Z' },
        { standard: 'HIPAA', expires_at: 'garbled' },
      ],
    }),
  );
  const whisper = snapshot.models.get('w');
  expect(whisper?.price).toEqual({ input: 150_000_000, output: 600_000_000 });
  expect([...(whisper?.input ?? [])]).toEqual(['audio']);
  expect([whisper?.compliance, whisper?.securityLevel, whisper?.maySeeCustomerData, whisper?.dataResidency]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect([...(snapshot.models.get('v')?.input ?? [])]).toEqual(['text', 'image']);
  expect([...(snapshot.models.get('e')?.output ?? [])]).toEqual(['embedding']);
  expect(snapshot.models.get('m')?.compliance).toEqual([
    { standard: 'GDPR', expiresAtMs: Date.UTC(2027, 0, 1) },
    { standard: 'HIPAA', expiresAtMs: 0 },
  ]);
  expect([...(snapshot.models.get('m')?.input ?? [])]).toEqual(['video']);
});

test.each([
  ['http://127.0.0.1:11434/v1', true],
  ['http://localhost:1234', true],
  ['http://10.1.2.3/v1', true],
  ['http://172.31.0.1', true],
  ['http://192.168.0.9', true],
  ['http://[::1]:8080/v1', true],
  ['http://[fd00::1]/v1', true],
  ['http://[fe80::1]', false],
  ['http://169.254.169.254', false],
  ['http://169.254.0.1', false],
  ['http://[fd00:ec2::254]', false],
  ['http://[fd00:0ec2:0:0:0:0:0:254]', false],
  ['http://[fd00:ec3::254]', true],
  ['http://100.100.100.200', false],
  ['http://metadata.google.internal', false],
  ['unix:///run/llm.sock', true],
  ['http://172.32.0.1', false],
  ['http://8.8.8.8', false],
  ['https://api.openai.com/v1', false],
  ['http://localhost.example.com', false],
  ['http://10.0.0.1.example.com', false],
  ['http://models.internal', false],
  ['http://127.0.0.1@example.com/', false],
  ['http://example.com\\@127.0.0.1/', false],
  ['http://0x7f.1/', false],
  ['http://[::ffff:8.8.8.8]/', false],
  ['http://[fd00::1].example.com/', false],
  ['ftp://127.0.0.1', false],
])('whether %s is private: %s', (endpoint, isPrivate) => {
  expect(compiled(model('A', { call_method: 'Local', endpoint })).models.get('a')?.isPrivate).toBe(isPrivate);
});

test('names below the domains that an operator states are private, and no others', () => {
  const isPrivate = (host: string, ...private_domains: string[]) =>
    compiled(model('A', { call_method: 'Local', endpoint: `http://${host}:8000/v1` }), {
      kind: 'settings',
      body: { name: 'global', slug: 'global', private_domains },
    }).models.get('a')?.isPrivate;
  expect(isPrivate('vllm.models.svc', 'svc')).toBe(true);
  expect(isPrivate('VLLM.models.svc.cluster.local', 'svc.cluster.local')).toBe(true);
  expect(isPrivate('vllm.models', 'svc')).toBe(false);
  expect(isPrivate('notsvc', 'svc')).toBe(false);
  expect(isPrivate('vllm.svc.example.com', 'svc')).toBe(false);
  expect(isPrivate('vllm.models.svc')).toBe(false);
});

test('without an address only what runs inside the machine itself is private', () => {
  const isPrivate = (rest: Partial<ModelDocument>) => compiled(model('A', rest)).models.get('a')?.isPrivate;
  expect(isPrivate({ call_method: 'on-device', local: { path: 'a.gguf' } })).toBe(true);
  expect(isPrivate({ call_method: 'Local', local: { path: 'a.gguf' } })).toBe(true);
  expect(isPrivate({ call_method: 'container', local: { container: 'image' } })).toBe(false);
  expect(isPrivate({ call_method: 'API' })).toBe(false);
  expect(isPrivate({ call_method: 'on-device', provider: 'anthropic' })).toBe(false);
  expect(isPrivate({ call_method: 'Local', provider: 'google', local: { path: 'a.gguf' } })).toBe(false);
  expect(
    isPrivate({
      call_method: 'on-device',
      local: { path: 'a.gguf' },
      endpoint: 'https://example.com',
    }),
  ).toBe(false);
  expect(
    isPrivate({
      call_method: 'Local',
      endpoint: 'http://127.0.0.1',
      local: { endpoint: 'https://example.com' },
    }),
  ).toBe(false);
});

test('data of which nobody said anything is of the strictest class, unless the settings say otherwise', () => {
  expect(compiled().defaultDataClass).toBe('customer-sensitive');
  expect(compiled({ kind: 'settings', body: { name: 'global', slug: 'global' } }).defaultDataClass).toBe(
    'customer-sensitive',
  );
  expect(
    compiled({
      kind: 'settings',
      body: { name: 'global', slug: 'global', default_data_class: 'open' },
    }).defaultDataClass,
  ).toBe('open');
});

test('token edges are the powers of two and every size at which a model stops being possible', () => {
  const { tokenEdges } = compiled(
    model('A', {
      context_tokens: 5_000,
      limits: { max_tokens_per_call: 3_000 },
    }),
  );
  expect(tokenEdges.slice(0, 7)).toEqual([256, 512, 1_024, 2_048, 3_000, 4_096, 5_000]);
});

test('10,000 documents compile', () => {
  const documents = Array.from({ length: 10_000 }, (_, index) =>
    index % 2 === 0
      ? model(`Model ${index}`, { aliases: [`local:${index}`] })
      : route(`type-${index}`, `Model ${index - 1}`, `LOCAL:${index - 1}`, 'Model 0'),
  );
  expect(compiled(...documents).models.size).toBe(5_000);
});

test('10,000 names that no model has are 10,000 problems', () => {
  const models = Array.from({ length: 5_000 }, (_, index) => model(`Model ${index}`));
  const routes = Array.from({ length: 10_000 }, (_, index) => route(`type-${index}`, `Modell ${index}`));
  expect(problemsOf(...models, ...routes)).toHaveLength(10_000);
});
