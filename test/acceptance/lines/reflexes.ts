import assert from 'node:assert/strict';
import { answerer } from '../asks.ts';
import type { Section } from '../line.ts';

/** The block of the specification, word for word. */
const reflex = `[reflex:auto_debug_logs]
  preferred_model: GPT-4
  fallback: GPT-3.5
`;

export const reflexes: Section = {
  heading: 'Reflex Model Tags',
  notation: [reflex],
  documents: () => [],
  lines: [
    {
      line: '`[reflex:auto_debug_logs]` preferred_model: GPT-4, fallback: GPT-3.5',
      title: 'the block is applied as it stands: GPT-4 first, then GPT-3.5, then the route of the task',
      async check(world) {
        const ask = () => answerer(world, 'text_gen', { reflex: 'auto_debug_logs' });
        assert.equal(await ask(), 'gpt-4');
        world.upstream.script('gpt-4', { kind: 'status', status: 500 });
        assert.equal(await ask(), 'gpt-3-5');
        world.upstream.script('gpt-3-5', { kind: 'status', status: 500 });
        assert.equal(await ask(), 'claude-3');
        assert.deepEqual(world.called(), ['gpt-4', 'gpt-4', 'gpt-3-5', 'gpt-4', 'gpt-3-5', 'claude-3']);
      },
    },
    {
      line: 'Routes tasks based on model availability or project context',
      title: 'a model without a worker is passed over with the reason, and a project changes the choice',
      async check(world) {
        const gone =
          'kind: model\nname: Gone\ntags: [text_gen]\ncall_method: API\nprovider: openai-compatible\n' +
          `endpoint: ${world.upstream.url}/v1\napi_key: env://WILL_ACCEPTANCE_NO_SUCH_KEY`;
        const reflexOfGone = 'kind: reflex\nname: gone_first\npreferred_model: Gone\nfallback: GPT-3.5';
        assert.equal((await world.apply(`${gone}\n---\n${reflexOfGone}`)).code, 0);
        const result = await world.tasks.run({ type: 'text_gen', reflex: 'gone_first', input: 'Hello' });
        assert.equal(result.model, 'gpt-3-5');
        assert.match(result.attempts[0]?.reason ?? '', /WILL_ACCEPTANCE_NO_SUCH_KEY is not set/);
        const project = { client: 'prefers-llama', project: 'big-case' } as const;
        assert.equal(await answerer(world, 'text_gen', { client: 'prefers-llama' }), 'llama');
        assert.equal(await answerer(world, 'text_gen', project), 'gpt-3-5');
      },
    },
  ],
};
