import assert from 'node:assert/strict';
import { modelDocument, routeDocument } from '../../support/documents.ts';
import { until } from '../../support/until.ts';
import { answerer, candidatesOf, documentOf, upstreamModel } from '../asks.ts';
import type { Section } from '../line.ts';
import { mustHaveOurEngine, mustHaveNoGpu, mustReadOurFiles } from '../limits-here.ts';
import { reasonOf, type World } from '../world.ts';

export const localRegistry: Section = {
  heading: 'Local Model Registry',
  documents: (world) => [
    modelDocument({
      name: 'Tiny',
      callMethod: 'on-device',
      provider: 'gguf',
      tags: 'on_device',
      path: world.files.gguf,
    }),
    localGguf(world, 'Too Large', 'memory_mb: 9000000'),
    localGguf(world, 'On A GPU', 'device: gpu'),
    routeDocument('on_device', 'Tiny'),
    upstreamModel(
      world,
      { name: 'Own Server', callMethod: 'Local', tags: 'own' },
      `local: { endpoint: "${world.upstream.url}/v1", device: cpu, memory_mb: 512, profile: { tokens_per_second: 900, accuracy: 8 }, auto_healthcheck: yes }`,
    ),
    upstreamModel(
      world,
      { name: 'Slow Server', callMethod: 'Local', tags: 'own' },
      'local: { profile: { tokens_per_second: 2, accuracy: 3 } }',
    ),
    `${routeDocument('own', 'Slow Server', 'Own Server')}\nmode: auto\ngoal: speed`,
  ],
  lines: [
    {
      line: 'Supports `.gguf`, Docker, or other self-hosted model access',
      title: 'a gguf file, a container and a server of one’s own each answer a task',
      async check(world) {
        assert.equal(await answerer(world, 'own', { model: 'Own Server' }), 'own-server');
        mustReadOurFiles(world);
        assert.equal(await answerer(world, 'on_device', { maxOutputTokens: 8 }), 'tiny');
        mustHaveOurEngine(world);
        assert.equal(await answerer(world, 'boxed'), 'in-a-box');
      },
    },
    {
      line: 'Model Name',
      title: 'local models are listed by name, and found by it in any case',
      async check(world) {
        for (const name of ['Tiny', 'own server', 'IN A BOX']) {
          const { name: found } = (await documentOf(world, name)) as { readonly name: string };
          assert.equal(found.toLowerCase(), name.toLowerCase());
        }
      },
    },
    {
      line: 'Path or Container',
      title: 'a file that is not there and an image that no engine has keep their models out, with the reason',
      async check(world) {
        const missing = `${world.files.folder}/missing.gguf`;
        const file = modelDocument({
          name: 'Missing',
          callMethod: 'on-device',
          provider: 'gguf',
          tags: 'on_device',
          path: missing,
        });
        const image = [
          modelDocument({ name: 'No Image', callMethod: 'container', tags: 'boxed' }),
          'local: { container: acceptance/nothing, port: 8000, start: yes }',
        ].join('\n');
        assert.equal((await world.apply(`${file}\n---\n${image}`)).code, 0);
        await untilReason(world, 'missing', /missing\.gguf/);
        assert.notEqual(await answerer(world, 'on_device', { model: 'Missing', timeoutMs: 5_000 }), 'missing');
        mustHaveOurEngine(world);
        assert.notEqual(await answerer(world, 'boxed', { model: 'No Image', timeoutMs: 5_000 }), 'no-image');
      },
    },
    {
      line: 'CPU/GPU compatibility',
      title: 'a model that must have a GPU is not computed without one, and says so',
      async check(world) {
        mustReadOurFiles(world);
        mustHaveNoGpu(world);
        await untilReason(world, 'on-a-gpu', /GPU/i);
        assert.match(JSON.stringify(await documentOf(world, 'Own Server')), /"device":"cpu"/);
      },
    },
    {
      line: 'Memory requirements',
      title: 'a model that does not fit is refused with the numbers before anything is loaded',
      async check(world) {
        mustReadOurFiles(world);
        await untilReason(world, 'too-large', /9000000 MiB/);
      },
    },
    {
      line: 'Speed/accuracy profile',
      title: 'before anything was measured the profile orders local models by speed',
      async check(world) {
        assert.equal((await candidatesOf(world, 'own'))[0], 'own-server');
      },
    },
    {
      line: 'Auto-healthcheck enabled',
      title: 'the product asks the server by itself, without a task, and shows when it stops answering and is back',
      async check(world) {
        const path = 'GET /v1/models';
        world.upstream.script(path, { kind: 'status', status: 503 });
        await untilReason(world, 'own-server', /./);
        world.upstream.script(path, { kind: 'answer' });
        await untilReason(world, 'own-server', /^$/);
        assert.deepEqual(world.called(), []);
      },
    },
  ],
};

function localGguf(world: World, name: string, local: string): string {
  const document = modelDocument({ name, callMethod: 'on-device', provider: 'gguf', tags: 'on_device' });
  return `${document}\nlocal: { path: ${world.files.gguf}, ${local} }`;
}

const untilReason = (world: World, model: string, reason: RegExp): Promise<void> =>
  until(async () => reason.test(reasonOf(world, model) ?? 'no worker'), `${model} to be shown with ${reason}`);
