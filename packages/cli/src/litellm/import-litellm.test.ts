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
    expect(terminal.stderr()).toContain('4 models, 13 fields not mapped');
    expect(terminal.stdout() + terminal.stderr()).not.toContain('sk-secret-value');
    const bad = fakeTerminal({ input: '- a list' });
    expect(await runCli(['import', 'litellm', '-'], bad)).toBe(2);
    expect(bad.stderr()).toContain('is no YAML of LiteLLM settings');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
