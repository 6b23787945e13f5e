import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateDocuments } from '@will/contracts';
import { expect, test } from 'vitest';
import { runCli } from '../program.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { importLitellm } from './import-litellm.ts';

const config = `
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      rpm: 60
      tpm: 90000
      max_parallel_requests: 8
      region_name: eu
      input_cost_per_token: 0.0000025
      output_cost_per_token: 0.00001
      timeout: 30
    model_info:
      mode: chat
      max_input_tokens: 128000
      supports_vision: true
      supports_function_calling: true
      supports_response_schema: true
      id: first
  - model_name: gpt-4o
    litellm_params: { model: azure/gpt-4o, api_base: https://x.openai.azure.com, api_key: sk-secret-value }
  - model_name: claude
    litellm_params: { model: anthropic/claude-sonnet-5, api_key: sk-secret-value }
  - model_name: local
    litellm_params: { model: ollama/llama3.2, api_base: 'http://127.0.0.1:11434' }
  - model_name: local
    litellm_params: { model: hosted_vllm/qwen, api_base: 'http://10.0.0.7:8000/v1' }
  - model_name: any
    litellm_params: { model: openai/* }
litellm_settings:
  num_retries: 3
  fallbacks: [{ gpt-4o: [claude] }]
  callbacks: [langfuse]
general_settings: { master_key: sk-secret-value }
`;

test('what has a place here becomes documents that fit together', () => {
  const { documents } = importLitellm(config);
  expect(documents).toEqual([
    {
      kind: 'model',
      name: 'gpt-4o',
      tags: ['text_gen', 'vision'],
      call_method: 'API',
      provider: 'openai-compatible',
      provider_model: 'gpt-4o',
      endpoint: 'https://api.openai.com/v1',
      api_key: 'env://OPENAI_API_KEY',
      capabilities: ['tools', 'json_schema'],
      context_tokens: 128_000,
      benchmark: { cost_per_1k_tokens_usd: { input: 0.0025, output: 0.01 } },
      limits: { rpm: 60, tpm: 90_000, concurrency: 8 },
      data_residency: 'EU',
    },
    {
      kind: 'model',
      name: 'claude',
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'anthropic',
      provider_model: 'claude-sonnet-5',
      api_key: 'env://ANTHROPIC_API_KEY',
    },
    expect.objectContaining({ name: 'local', call_method: 'Local', endpoint: 'http://127.0.0.1:11434/v1' }),
    expect.objectContaining({ name: 'local 2', call_method: 'Local', endpoint: 'http://10.0.0.7:8000/v1' }),
  ]);
  const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
  expect(validateDocuments([{ path: 'imported.yaml', text }])).toMatchObject({ documents: 4, problems: [] });
});

test('every field that stands in no document is told, with its reason and without its value', () => {
  const { unmapped } = importLitellm(config);
  const reasons = new Map(unmapped.map(({ path, why }) => [path, why]));
  expect([...reasons.keys()]).toEqual([
    'model_list[0].litellm_params.timeout',
    'model_list[0].model_info.id',
    'model_list[1].model_name',
    'model_list[1].litellm_params.model',
    'model_list[1].litellm_params.api_base',
    'model_list[1].litellm_params.api_key',
    'model_list[2].litellm_params.api_key',
    'model_list[5].model_name',
    'model_list[5].litellm_params.model',
    'litellm_settings.num_retries',
    'litellm_settings.fallbacks[0].gpt-4o[0]',
    'litellm_settings.callbacks[0]',
    'general_settings.master_key',
  ]);
  expect(reasons.get('model_list[1].litellm_params.model')).toContain('provider azure is not spoken here');
  expect(reasons.get('model_list[2].litellm_params.api_key')).toContain('env://NAME');
  expect(reasons.get('litellm_settings.fallbacks[0].gpt-4o[0]')).toContain('route');
  expect(JSON.stringify(unmapped)).not.toContain('sk-secret-value');
});

test('a merge key brings the private address that it holds', () => {
  const { documents } = importLitellm(`
x-own: &own { api_base: 'http://10.0.0.7:8000/v1', api_key: os.environ/OWN_KEY }
model_list:
  - model_name: private
    litellm_params: { <<: *own, model: openai/private-model }
`);
  expect(documents).toEqual([
    expect.objectContaining({
      name: 'private',
      call_method: 'Local',
      endpoint: 'http://10.0.0.7:8000/v1',
      api_key: 'env://OWN_KEY',
    }),
  ]);
});

test.each([
  ['claude-sonnet-5', 'anthropic', undefined],
  ['gemini-3-pro', 'google', undefined],
  ['gpt-4o', 'openai-compatible', 'https://api.openai.com/v1'],
  ['o3-mini', 'openai-compatible', 'https://api.openai.com/v1'],
])('the bare name %s goes to its own vendor, %s', (model, provider, endpoint) => {
  const { documents } = importLitellm(`model_list: [{ litellm_params: { model: ${model} } }]`);
  expect(documents).toEqual([expect.objectContaining({ provider, provider_model: model })]);
  expect(documents[0]?.['endpoint']).toBe(endpoint);
});

test.each([
  ['a bare name of no known vendor', '{ model: qwen3-235b, api_key: os.environ/KEY }', 'tells no provider'],
  ['a credential that is not there', '{ model: openai/x, litellm_credential_name: gone }', 'credential'],
  [
    'an address in a variable that is not set',
    '{ model: openai/x, api_base: os.environ/GONE }',
    'address is not known',
  ],
  ['an address that is no URL', '{ model: openai/x, api_base: 10.0.0.7 }', 'address is not known'],
  ['a project of Vertex', '{ model: gemini-3-pro, vertex_project: p }', 'vertex_project'],
  ['another provider by name', '{ model: gpt-4o, custom_llm_provider: azure }', 'azure'],
  ['no address where one is needed', '{ model: hosted_vllm/qwen }', 'api_base'],
])('%s leaves its entry out and is listed', (_what, params, why) => {
  const { documents, leftOut } = importLitellm(`model_list: [{ litellm_params: ${params} }]`);
  expect(documents).toEqual([]);
  expect(leftOut).toEqual([{ path: 'model_list[0]', why: expect.stringContaining(why) as string }]);
});

test('an address comes from the environment, the file’s own variables, a credential or the settings, as it would there', () => {
  const addressOf = (text: string, environment = {}) => importLitellm(text, environment).documents[0]?.['endpoint'];
  const own = 'http://10.0.0.7:8000/v1';
  const entry = 'model_list: [{ litellm_params: { model: openai/x, api_base: os.environ/OWN } }]';
  expect(addressOf(entry, { OWN: own })).toBe(own);
  expect(addressOf(`environment_variables: { OWN: '${own}' }\n${entry}`)).toBe(own);
  const plain = 'model_list: [{ litellm_params: { model: openai/x } }]';
  expect(addressOf(plain, { OPENAI_API_BASE: own })).toBe(own);
  expect(addressOf(`litellm_settings: { api_base: '${own}' }\n${plain}`)).toBe(own);
  const credential = `credential_list: [{ credential_name: c, credential_values: { api_base: '${own}' } }]`;
  const named = 'model_list: [{ litellm_params: { model: openai/x, litellm_credential_name: c } }]';
  expect(addressOf(`${credential}\n${named}`)).toBe(own);
});

test('an address that only the environment holds leaves its entry out, and half a price is none', () => {
  const { documents, unmapped } = importLitellm(`
model_list:
  - litellm_params: { model: openai/mine, api_base: os.environ/OWN_SERVER }
  - litellm_params: { model: openai/mine, base_url: 'http://127.0.0.1:8000/v1', input_cost_per_token: 0.001 }
`);
  expect(documents).toEqual([expect.objectContaining({ endpoint: 'http://127.0.0.1:8000/v1' })]);
  expect(documents[0]).not.toHaveProperty('benchmark');
  expect(unmapped.map(({ path }) => path)).toEqual([
    'model_list[0].litellm_params.model',
    'model_list[0].litellm_params.api_base',
    'model_list[1].litellm_params.input_cost_per_token',
  ]);
});

test('the command writes documents to stdout and the rest to stderr, and refuses what is no such file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'willm-import-'));
  try {
    const path = join(folder, 'config.yaml');
    await writeFile(path, config);
    const terminal = fakeTerminal();
    expect(await runCli(['import', 'litellm', path], terminal)).toBe(0);
    expect(validateDocuments([{ path: 'out.yaml', text: terminal.stdout() }])).toMatchObject({
      documents: 4,
      problems: [],
    });
    expect(terminal.stderr()).toContain('4 models, 13 fields not mapped, 2 left out');
    expect(await runCli(['import', 'litellm', path, '--strict'], fakeTerminal())).toBe(2);
    expect(terminal.stdout() + terminal.stderr()).not.toContain('sk-secret-value');
    const bad = fakeTerminal({ input: '- a list' });
    expect(await runCli(['import', 'litellm', '-'], bad)).toBe(2);
    expect(bad.stderr()).toContain('is no YAML of LiteLLM settings');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
