import assert from 'node:assert/strict';
import { routeDocument } from '../../support/documents.ts';
import { until } from '../../support/until.ts';
import { answerer, callsOf, candidatesOf, documentOf, rulesOf, run, upstreamModel } from '../asks.ts';
import type { Section } from '../line.ts';
import { NotPossibleHere } from '../not-possible-here.ts';
import type { World } from '../world.ts';

export const futureProof: Section = {
  heading: 'Future-Proof Features',
  documents: (world) => [
    versioned(world, 'version: "1"'),
    upstreamModel(world, { name: 'Follower', tags: 'versions' }),
    routeDocument('versions', 'Versioned', 'Follower'),
    ...['Left', 'Right'].map((name) => upstreamModel(world, { name, tags: 'switching' }, even)),
    `${routeDocument('switching', 'Left', 'Right')}\nmode: auto\ngoal: quality`,
    upstreamModel(
      world,
      { name: 'Tuned', tags: 'tuned' },
      'provider_model: "ft:base:acme:7"',
      'base_model: Base 8B',
      'adapter: s3://models/acme-7',
      'lineage: [tickets of 2026, run 7]',
    ),
    routeDocument('tuned', 'Tuned'),
    upstreamModel(world, { name: 'Reader', tags: 'claims' }),
    upstreamModel(world, { name: 'Looker', tags: 'claims' }, 'modalities: { input: [text, image], output: [text] }'),
    routeDocument('claims', 'Reader', 'Looker'),
  ],
  lines: [
    {
      line: 'Model version tracking',
      title:
        'records, history and diff tell versions apart, and a retired one is called no more, and a rollback brings it back',
      async check(world) {
        const version = async (): Promise<string | undefined> =>
          (await callsOf(world, (await run(world, 'versions')).taskId))[0]?.modelVersion;
        assert.equal(await version(), '1');
        const before = await revision(world);
        assert.equal((await world.apply(versioned(world, 'version: "2"'))).code, 0);
        assert.equal(await version(), '2');
        const { out } = await world.willm('diff', 'model', 'Versioned');
        assert.match(out, /version/);
        assert.ok(((await world.willmJson('history', 'model', 'Versioned')) as readonly object[]).length >= 2);
        assert.equal((await world.apply(versioned(world, 'version: "2"', 'retired: yes'))).code, 0);
        assert.equal(await answerer(world, 'versions'), 'follower');
        assert.equal((await rulesOf(world, 'versions'))['versioned'], 'retired');
        if ((await revision(world)) !== before + 2)
          throw new NotPossibleHere('somebody else changed documents meanwhile, which a rollback would undo');
        assert.equal((await world.willm('rollback', String(before), '--force')).code, 0);
        assert.equal(await version(), '1');
      },
    },
    {
      line: 'Auto-switching based on speed, cost, output quality',
      title: 'measured quality moves the choice: after feedback the other model comes first, and the numbers are shown',
      async check(world) {
        assert.equal((await candidatesOf(world, 'switching'))[0], 'left');
        for (let n = 0; n < 12; n += 1)
          for (const [model, score] of [
            ['Left', 1],
            ['Right', 10],
          ] as const) {
            const { taskId } = await run(world, 'switching', { model });
            await callsOf(world, taskId);
            const { status } = await world.post('/v1/feedback', { task_id: taskId, score });
            assert.equal(status, 200);
          }
        await until(async () => (await candidatesOf(world, 'switching'))[0] === 'right', 'right to come first');
        assert.match((await world.willm('explain', 'switching')).out, /quality/);
      },
    },
    {
      line: 'Extension points for fine-tuned models',
      title: 'a fine-tuned model is called by its own name, and its document says what it came from',
      async check(world) {
        assert.equal(await answerer(world, 'tuned'), 'tuned');
        assert.deepEqual(world.called(), ['ft:base:acme:7']);
        const document = (await documentOf(world, 'Tuned')) as {
          readonly base_model: string;
          readonly lineage: readonly string[];
        };
        assert.deepEqual([document.base_model, document.lineage.length], ['Base 8B', 2]);
      },
    },
    {
      line: 'Multi-modal routing (image+text)',
      title: 'text with an image goes to the model that takes both, text alone to the first of the route, over HTTP',
      async check(world) {
        const ask = async (content: unknown): Promise<string | null> =>
          (
            await world.post('/v1/chat/completions', { model: 'claims', messages: [{ role: 'user', content }] })
          ).headers.get('x-will-model');
        const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
        assert.equal(await ask('What is covered?'), 'reader');
        assert.equal(await ask([{ type: 'text', text: 'What is broken?' }, image]), 'looker');
        assert.match(JSON.stringify(world.upstream.requests.at(-1)?.body), /iVBORw0KGgo/);
      },
    },
  ],
};

const even = 'benchmark: { avg_latency_ms: 500, accuracy: 7 }';
const versioned = (world: World, ...more: readonly string[]): string =>
  upstreamModel(world, { name: 'Versioned', tags: 'versions' }, ...more);
const revision = async (world: World): Promise<number> =>
  ((await world.willmJson('status')) as { readonly revision: number }).revision;
