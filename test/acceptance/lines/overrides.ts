import assert from 'node:assert/strict';
import { answerer, candidatesOf, rulesOf, run } from '../asks.ts';
import type { Section } from '../line.ts';

/** The block of the specification, word for word. */
const acme = `[client:AcmeLegal]
  default_model: Claude 3
  force_tone: formal
  data_rules:
    use_compliant_only: true
    avoid_cloud: true
`;

export const overrides: Section = {
  heading: 'Client/Project Overrides',
  notation: [acme],
  documents: () => [
    'kind: client\nname: Prefers Llama\ndefault_model: LLaMA\nforce_tone: formal',
    'kind: project\nname: Big Case\nclient: Prefers Llama\ndefault_model: GPT-3.5',
  ],
  lines: [
    {
      line: '`[client:AcmeLegal]`',
      title:
        'the block is applied as it stands, and the client is found by any spelling, and one that does not exist is rejected',
      async check(world) {
        for (const client of ['AcmeLegal', 'acmelegal', 'ACMELEGAL']) {
          const { code, out } = await world.willm('run', 'text_gen', 'Hello', '--client', client, '--json');
          assert.equal(code, 0);
          assert.equal((JSON.parse(out) as { model: string }).model, 'llama');
        }
        assert.equal(await answerer(world, 'text_gen', { client: 'acme-legall' }), 'unknown_client');
        const { status } = await world.post('/v1/chat/completions', hello, { 'x-will-client': 'AcmeLegall' });
        // Where the servers ask for keys, one of another client says nothing about a client that is not there.
        assert.equal(status, world.asksForKeys ? 403 : 400);
      },
    },
    {
      line: '`default_model: Claude 3`',
      title:
        'a client’s default model comes before its route, and AcmeLegal’s is in the cloud, so its own rules leave it out',
      async check(world) {
        assert.equal(await answerer(world, 'text_gen', { client: 'prefers-llama' }), 'llama');
        const rule = (await rulesOf(world, 'text_gen', { client: 'acmelegal' }))['claude-3'];
        assert.equal(rule, 'avoid_cloud');
      },
    },
    {
      line: '`force_tone: formal`',
      title: 'the tone is in what the client’s model is sent, and in nobody else’s',
      async check(world) {
        await run(world, 'text_gen', { client: 'acmelegal' });
        assert.match(JSON.stringify(world.upstream.requests[0]?.body['messages']), /formal/);
        world.forget();
        await run(world, 'text_gen', { model: 'LLaMA' });
        assert.deepEqual(world.upstream.requests[0]?.body['messages'], [{ role: 'user', content: 'Hello' }]);
      },
    },
    {
      line: '`data_rules: use_compliant_only: true`',
      title: 'a local model that complies with nothing is not called for AcmeLegal, even if it is the only one left',
      async check(world) {
        assert.equal(await answerer(world, 'code', { client: 'acmelegal' }), 'blocked');
        assert.equal(await answerer(world, 'code', { client: 'acmelegal', model: 'CodeLLaMA' }), 'model_not_allowed');
        assert.deepEqual(world.called(), []);
      },
    },
    {
      line: '`data_rules: avoid_cloud: true`',
      title: 'AcmeLegal reaches no cloud model by any way, also when its only model fails',
      async check(world) {
        world.upstream.script('llama', { kind: 'status', status: 500 });
        assert.equal(await answerer(world, 'text_gen', { client: 'acmelegal' }), 'all_failed');
        const { status } = await world.post('/v1/chat/completions', hello, { 'x-will-client': 'AcmeLegal' });
        assert.ok(status >= 500, `status ${status}`);
        const acmelegal = await world.grpc('acmelegal');
        await assert.rejects(acmelegal.run({ type: 'text_gen', model: 'GPT-4', input: 'Hello' }));
        assert.deepEqual([...new Set(world.called())], ['llama']);
      },
    },
    {
      line: 'projects',
      title: 'a project’s settings come before its client’s, and it is its client’s alone',
      async check(world) {
        assert.equal(await answerer(world, 'text_gen', { client: 'prefers-llama', project: 'big-case' }), 'gpt-3-5');
        assert.equal(
          (await candidatesOf(world, 'text_gen', { client: 'prefers-llama', project: 'big-case' }))[0],
          'gpt-3-5',
        );
        // On a bus with users a client is told no more of another's projects than of those that are not there.
        const refusal = world.product.bus.seedFile === undefined ? 'blocked' : 'forbidden';
        assert.equal(await answerer(world, 'text_gen', { client: 'acmelegal', project: 'big-case' }), refusal);
      },
    },
  ],
};

const hello = { model: 'text_gen', messages: [{ role: 'user', content: 'Hello' }] };
