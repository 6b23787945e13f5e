import assert from 'node:assert/strict';
import { answerer, candidatesOf, upstreamModel } from '../asks.ts';
import type { Section } from '../line.ts';
import type { World } from '../world.ts';

/** The blocks of the specification, word for word. */
const routes = `[text_gen]
  primary: GPT-4
  fallback_1: Claude 3
  fallback_2: GPT-3.5
  fallback_3: local:LLaMA

[code]
  primary: Claude 3
  fallback_1: GPT-4
  fallback_2: local:CodeLLaMA
`;

const noCooldown = 'limits: { cooldown_seconds: 0 }';

export const fallback: Section = {
  heading: 'Downgrade / Fallback Logic',
  notation: [routes],
  documents: (world) => {
    const media = { endpoint: `${world.upstream.url}/v1` } as const;
    // These ask for a key, which a product elsewhere cannot read; the upstream speaks every dialect.
    const anthropic = { provider: 'anthropic' } as const;
    const google = { provider: 'google', endpoint: `${world.upstream.url}/v1beta` } as const;
    const { isHere } = world.product;
    const key = isHere ? { apiKey: world.files.keyUrl } : {};
    return [
      upstreamModel(
        world,
        { ...key, name: 'GPT-4', tags: 'text_gen, code, translation' },
        noCooldown,
        'version: gpt-4-0613',
      ),
      upstreamModel(world, { ...key, name: 'Claude 3', tags: 'text_gen, code', ...(isHere && anthropic) }, noCooldown),
      upstreamModel(world, { ...key, name: 'GPT-3.5', tags: 'text_gen' }, noCooldown),
      upstreamModel(
        world,
        { ...key, name: 'Gemini', tags: 'ocr, vision', ...(isHere && google) },
        noCooldown,
        'modalities: { input: [text, image], output: [text] }',
      ),
      upstreamModel(world, { ...media, name: 'Whisper', tags: 'transcription' }),
      upstreamModel(
        world,
        { name: 'LLaMA', callMethod: 'Local', tags: 'text_gen', aliases: ['local:LLaMA'] },
        noCooldown,
      ),
      upstreamModel(
        world,
        { name: 'CodeLLaMA', callMethod: 'Local', tags: 'code', compliance: 'none', aliases: ['local:CodeLLaMA'] },
        noCooldown,
      ),
      'kind: route\nname: translation\nprimary: GPT-4',
      'kind: route\nname: vision\nprimary: Gemini',
      'kind: route\nname: ocr\nprimary: Gemini',
      'kind: route\nname: transcription\nprimary: Whisper',
    ];
  },
  lines: [
    {
      line: '`[text_gen]` primary: GPT-4, fallback_1: Claude 3, fallback_2: GPT-3.5, fallback_3: local:LLaMA',
      title:
        'the block is applied as it stands, and as each model fails the next is called, in this order and once each',
      async check(world) {
        fail(world, 'gpt-4', 'claude-3', 'gpt-3-5');
        const { headers } = await world.post('/v1/chat/completions', {
          model: 'text_gen',
          messages: [{ role: 'user', content: 'Hello' }],
        });
        assert.equal(headers.get('x-will-model'), 'llama');
        assert.deepEqual(world.called(), ['gpt-4', 'claude-3', 'gpt-3-5', 'llama']);
      },
    },
    {
      line: '`[code]` primary: Claude 3, fallback_1: GPT-4, fallback_2: local:CodeLLaMA',
      title: 'the block is applied as it stands, and over gRPC it goes down to CodeLLaMA, one call each',
      async check(world) {
        fail(world, 'gpt-4', 'claude-3');
        const { model } = await (await world.grpc()).run({ type: 'code', input: 'Hello' });
        assert.equal(model, 'codellama');
        assert.deepEqual(world.called(), ['claude-3', 'gpt-4', 'codellama']);
      },
    },
    {
      line: '`local:LLaMA`',
      title: 'the name stands for LLaMA in routes, for tasks that name it, in any case',
      async check(world) {
        assert.equal((await candidatesOf(world, 'text_gen')).at(-1), 'llama');
        for (const model of ['local:LLaMA', 'LOCAL:llama'])
          assert.equal(await answerer(world, 'text_gen', { model }), 'llama');
      },
    },
  ],
};

function fail(world: World, ...models: readonly string[]): void {
  for (const model of models) world.upstream.script(model, { kind: 'status', status: 500 });
}
