import assert from 'node:assert/strict';
import type { wire } from '@will/contracts';
import { routeDocument } from '../../support/documents.ts';
import { callsOf, type LoggedCall, run, upstreamModel } from '../asks.ts';
import type { Section } from '../line.ts';
import type { World } from '../world.ts';

const answer = 'Twelve words of output that are counted by their characters, and by tokens.';

export const telemetry: Section = {
  heading: 'Logging & Telemetry',
  documents: (world) => [
    upstreamModel(world, { name: 'Logged', tags: 'logged' }, 'version: "2026-11"', 'limits: { cooldown_seconds: 0 }'),
    upstreamModel(world, { name: 'Logged Next', tags: 'logged' }, 'limits: { cooldown_seconds: 0 }'),
    routeDocument('logged', 'Logged', 'Logged Next'),
    'kind: client\nname: Logging Co',
    'kind: project\nname: Logging Project\nclient: Logging Co',
    'kind: reflex\nname: logging_reflex\npreferred_model: Logged\nfallback: Logged Next',
  ],
  lines: [
    {
      line: 'Timestamp',
      title: 'the record of a call has the instant at which it began, between its request and its answer',
      async check(world) {
        const beforeMs = Date.now();
        const startedMs = Number((await loggedCall(world)).startedUnixMs);
        // The clocks of a product elsewhere may differ.
        assert.ok(Math.abs(startedMs - beforeMs) < 60_000, `${startedMs} and ${beforeMs}`);
      },
    },
    {
      line: 'Model used',
      title: 'slug, name and version of the model that was called',
      async check(world) {
        const { model, modelName, modelVersion } = await loggedCall(world);
        assert.deepEqual([model, modelName, modelVersion], ['logged', 'Logged', '2026-11']);
      },
    },
    {
      line: 'Task type',
      title: 'the type of the task, by which the command line finds its calls',
      async check(world) {
        const { taskId, taskType } = await loggedCall(world);
        assert.equal(taskType, 'logged');
        const found = (await world.willmJson('logs', '--type', 'logged', '--limit', '1000')) as readonly LoggedCall[];
        assert.ok(found.some((call) => call.taskId === taskId));
      },
    },
    {
      line: 'Duration (ms)',
      title: 'whole milliseconds, no shorter than the upstream took and no longer than its caller waited',
      async check(world) {
        world.upstream.script('logged', { kind: 'answer', delayMs: 120 });
        const sentMs = performance.now();
        const { taskId } = await run(world, 'logged');
        const waitedMs = performance.now() - sentMs;
        const [call] = await callsOf(world, taskId);
        const durationMs = call?.durationMs ?? 0;
        assert.ok(durationMs >= 119 && durationMs <= waitedMs + 1, `${durationMs} ms of ${waitedMs} ms`);
      },
    },
    {
      line: 'Output length (tokens/chars)',
      title: 'the upstream’s own count of tokens, and the characters of its answer',
      async check(world) {
        world.upstream.script('logged', { kind: 'answer', text: answer });
        const { outputChars, usage } = await loggedCall(world);
        assert.deepEqual([outputChars, usage?.inputTokens, usage?.outputTokens], [answer.length, 12, 14]);
      },
    },
    {
      line: 'Result: Success, Timeout, Blocked',
      title: 'an answer, a silence and a refusal by a rule are these three words, and each is found by its word',
      async check(world) {
        assert.equal((await loggedCall(world)).outcome, 'Success');
        for (const model of ['logged', 'logged-next']) world.upstream.script(model, { kind: 'silent' });
        const late = await failedRun(world, { timeoutMs: 1_500 });
        assert.equal((await callsOf(world, late))[0]?.outcome, 'Timeout');
        const blocked = await failedRun(world, { client: 'acmelegal' });
        assert.equal((await callsOf(world, blocked))[0]?.outcome, 'Blocked');
        for (const outcome of ['Success', 'Timeout', 'Blocked']) {
          const found = (await world.willmJson(
            'logs',
            '--type',
            'logged',
            '--outcome',
            outcome,
          )) as readonly LoggedCall[];
          assert.ok(found.length > 0 && found.every((call) => call.outcome === outcome), outcome);
        }
      },
    },
    {
      line: 'Client context if applicable',
      title: 'client, project and reflex of the task, from HTTP headers into the record',
      async check(world) {
        const { headers } = await world.post(
          '/v1/chat/completions',
          { model: 'logged', messages: [{ role: 'user', content: 'Hello' }] },
          { 'x-will-client': 'Logging Co', 'x-will-project': 'Logging Project', 'x-will-reflex': 'logging_reflex' },
        );
        const [call] = await callsOf(world, headers.get('x-will-task-id') ?? '');
        assert.deepEqual(
          [call?.client, call?.project, call?.reflex],
          ['logging-co', 'logging-project', 'logging_reflex'],
        );
      },
    },
    {
      line: 'Each call',
      title: 'every request that the upstream saw has one record, also those that failed',
      async check(world) {
        world.upstream.script('logged', { kind: 'status', status: 500 }, { kind: 'answer' });
        const tasks = [];
        for (let n = 0; n < 5; n += 1) tasks.push(await run(world, 'logged'));
        const records = [];
        for (const { taskId, attempts } of tasks) records.push(...(await callsOf(world, taskId, attempts.length)));
        assert.deepEqual(records.map(({ model }) => model).toSorted(), world.called().toSorted());
        assert.equal(records.length, 6);
      },
    },
  ],
};

async function loggedCall(world: World): Promise<wire.CallRecord> {
  const { taskId } = await run(world, 'logged');
  const [call] = await callsOf(world, taskId);
  assert.ok(call);
  return call;
}

/** The id of a task that fails. */
async function failedRun(world: World, more: Parameters<typeof run>[2]): Promise<string> {
  try {
    await run(world, 'logged', more);
  } catch (error) {
    return (error as { taskId: string }).taskId;
  }
  throw new Error('the task did not fail');
}
