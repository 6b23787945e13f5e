import { describe, expect, test } from 'vitest';
import { chat, hello, message, snapshotWith, useTwoModels } from '../../../testing/two-models.ts';

const { accepted, asked, at, refusal } = useTwoModels();

const pixel = 'iVBORw0KGgo=';
const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } };

describe('a wish about data, place, provider, model, guard, key, file or callback', () => {
  const wishes: Readonly<Record<string, unknown>> = {
    store: true,
    provider: { order: ['a'] },
    zdr: true,
    data_collection: 'deny',
    'no-log': true,
    guardrails: ['pii'],
    safe_prompt: true,
    models: ['a', 'b'],
    fallbacks: ['a'],
    kv_transfer_params: { do_remote_decode: true },
    lora_request: { lora_name: 'a' },
    api_base: 'https://elsewhere.example',
    base_url: 'https://elsewhere.example',
    background: true,
    previous_response_id: 'resp_1',
    conversation: 'conv_1',
    api_key: 'k',
    extra_headers: { authorization: 'k' },
    dataCollection: 'deny',
    data_residency: 'EU',
    region: 'eu-west-1',
    aws_region_name: 'eu-west-1',
    vertex_location: 'europe-west4',
    inference_geo: 'eu',
    cache_salt: 's',
    retention: 0,
    log: false,
    disable_training: true,
    webhook_url: 'https://elsewhere.example',
    callbacks: ['a'],
    file_ids: ['f'],
    container: 'c',
    mcp_servers: [{ url: 'https://elsewhere.example' }],
    safetySettings: [{ category: 'c' }],
    safety_mode: 'NONE',
    deployment_id: 'd',
    custom_llm_provider: 'openai',
    organization: 'o',
    cachedContent: 'cachedContents/1',
    will_data_class: 'sensitive',
    extra_body: { provider: { zdr: true } },
    models_to_try: ['a'],
    avoid_cloud: true,
    avoidCloud: 'yes',
    use_compliant_only: true,
    'no-cloud': true,
    local_only: true,
    eu_only: true,
    on_prem: true,
    self_hosted: true,
    allowed_tasks: { can_this_model_see_customer_data: true },
    client_id: 'acme',
    customer: 'acme',
    Metadata: { will_client: 'acme' },
    METADATA: { will_data_class: 'sensitive' },
  };
  const paths: Readonly<Record<string, object>> = {
    '/v1/chat/completions': chat(),
    '/v1/messages': message(),
    '/v1/responses': { model: 'auto', input: 'hello' },
    '/v1/embeddings': { model: 'embedding', input: 'hello' },
  };

  test.each(Object.entries(wishes))('%s is refused by name in every dialect', async (name, value) => {
    for (const [path, body] of Object.entries(paths))
      expect(await refusal(path, { ...body, [name]: value })).toMatch(new RegExp(`^${name}: ${name}: .{10}`));
  });

  test('is refused also within messages and tools', async () => {
    const bodies = [
      chat({ messages: [{ ...hello, attachments: [{ id: 'f' }] }] }),
      chat({ tools: [{ type: 'function', function: { name: 'f' }, server_url: 'https://elsewhere.example' }] }),
      chat({ messages: [{ role: 'user', content: [{ ...image, file_id: 'f' }] }] }),
    ];
    for (const body of bodies) await refusal('/v1/chat/completions', body);
  });

  test('that asks for nothing is accepted', async () => {
    const nothing = {
      store: false,
      provider: {},
      zdr: false,
      data_collection: 'allow',
      guardrails: [],
      safe_prompt: false,
      avoid_cloud: false,
      use_compliant_only: false,
      models: [],
      fallbacks: null,
      background: false,
      previous_response_id: null,
    };
    expect(await accepted('/v1/chat/completions', chat(nothing))).toBeNull();
    expect(await accepted('/v1/responses', { model: 'auto', input: 'hello', ...nothing })).toBeNull();
  });

  test('is honoured where every model that may answer takes the field', async () => {
    at().backends.snapshot = snapshotWith({ pass_through: ['safe_prompt'] });
    await accepted('/v1/chat/completions', chat({ model: 'cloud', safe_prompt: true }));
    expect(asked()['safe_prompt']).toBe(true);
    at().tasks.requests.length = 0;
    await refusal('/v1/chat/completions', chat({ safe_prompt: true }));
  });
});
