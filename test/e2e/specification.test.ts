import type { TaskRequest } from '@will/client';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { apply } from '../support/ask.ts';
import { documentFile, type ModelFields, modelDocument, openByDefault } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// The specification's own examples, word for word, over the real bus; counted at the upstream.

const blocks = {
  'text_gen.will': `[text_gen]
  primary: GPT-4
  fallback_1: Claude 3
  fallback_2: GPT-3.5
  fallback_3: local:LLaMA
`,
  'code.will': `[code]
  primary: Claude 3
  fallback_1: GPT-4
  fallback_2: local:CodeLLaMA
`,
  'acme.will': `[client:AcmeLegal]
  default_model: Claude 3
  force_tone: formal
  data_rules:
    use_compliant_only: true
    avoid_cloud: true
`,
  'reflex.will': `[reflex:auto_debug_logs]
  preferred_model: GPT-4
  fallback: GPT-3.5
`,
};

let upstream: ReplayingUpstream;
let system: System;

const model = (name: string, fields: Partial<ModelFields> & { tier?: 'premium' } = {}): string =>
  [
    modelDocument({ name, callMethod: 'API', endpoint: `${upstream.url}/v1`, tags: 'text_gen, code', ...fields }),
    ...(fields.tier ? [`tier: ${fields.tier}`] : []),
  ].join('\n');

const all = ['gpt-4', 'claude-3', 'gpt-3-5', 'llama', 'codellama'];

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const local = { callMethod: 'Local' } as const;
  system = await startSystem({
    documents: {
      ...blocks,
      'models.yaml': documentFile(
        openByDefault,
        model('GPT-4'),
        model('Claude 3'),
        model('GPT-3.5'),
        model('LLaMA', { ...local, aliases: ['local:LLaMA'] }),
        model('CodeLLaMA', { ...local, tags: 'code', compliance: 'none', aliases: ['local:CodeLLaMA'] }),
      ),
    },
  });
  await system.untilServed(...all);
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});
beforeEach(() => {
  upstream.clear();
  for (const name of all) upstream.script(name, { kind: 'answer' });
});

const fail = (...models: string[]): void => {
  for (const name of models) upstream.script(name, { kind: 'status', status: 500 });
};
const called = (): string[] => upstream.requests.map((request) => request.model);

test('text_gen goes GPT-4, Claude 3, GPT-3.5, local:LLaMA', async () => {
  fail('gpt-4', 'claude-3', 'gpt-3-5');
  expect((await system.client.run({ type: 'text_gen', input: 'Hello' })).modelName).toBe('LLaMA');
  expect(called()).toEqual(['gpt-4', 'claude-3', 'gpt-3-5', 'llama']);
});

test('code goes Claude 3, GPT-4, local:CodeLLaMA', async () => {
  fail('gpt-4', 'claude-3');
  expect((await system.client.run({ type: 'code', input: 'Hello' })).modelName).toBe('CodeLLaMA');
  expect(called()).toEqual(['claude-3', 'gpt-4', 'codellama']);
});

test('AcmeLegal gets only compliant models off the cloud, and a formal tone is in what they are sent', async () => {
  const result = await system.client.run({ type: 'text_gen', client: 'acmelegal', input: 'Hello' });
  expect(called()).toEqual(['llama']);
  expect(JSON.stringify(upstream.requests[0]?.body['messages'])).toMatch(/formal/);
  expect(result.attempts.at(-1)?.style).toContain('tone formal');
  upstream.clear();
  // CodeLLaMA complies with nothing, the others are in the cloud.
  const failure = await system.client.run({ type: 'code', client: 'acmelegal', input: 'Hello' }).then(
    ({ model: name }) => name,
    (error: { code: string }) => error.code,
  );
  expect([failure, called()]).toEqual(['blocked', []]);
});

test('others are sent what they wrote', async () => {
  await system.client.run({ type: 'text_gen', input: 'Hello' });
  expect(upstream.requests[0]?.body['messages']).toEqual([{ role: 'user', content: 'Hello' }]);
});

test('auto_debug_logs prefers GPT-4, then GPT-3.5, and the route of its task goes on after them', async () => {
  const run = (): Promise<unknown> => system.client.run({ type: 'code', reflex: 'auto_debug_logs', input: 'Hello' });
  await run();
  expect(called()).toEqual(['gpt-4']);
  upstream.clear();
  fail('gpt-4');
  await run();
  expect(called()).toEqual(['gpt-4', 'gpt-3-5']);
  upstream.clear();
  fail('gpt-3-5');
  await run();
  expect(called()).toEqual(['gpt-4', 'gpt-3-5', 'claude-3']);
});

test('after 9 PM a background task goes to a local model, others do not, and before it none does', async () => {
  const run = async (priority: 'background' | 'normal'): Promise<string> =>
    (await system.client.run({ type: 'text_gen', priority, input: 'Hello' })).model;
  expect(await run('background')).toBe('gpt-4');
  // It is 9 PM somewhere: the zone is chosen so that it is between 22:00 and 23:00 there.
  const zone = zoneWhereItIs(22);
  const offHours = ['kind: schedule', 'name: off_hours', 'from: "21:00"', 'to: "06:00"', `time_zone: ${zone}`];
  const applied = await apply(
    system,
    documentFile([...offHours, 'prefer: local', 'priorities: [background]'].join('\n')),
  );
  expect([applied.problems, applied.lagging]).toEqual([[], []]);
  expect([await run('background'), await run('normal')]).toEqual(['llama', 'gpt-4']);
  await apply(
    system,
    documentFile(
      [...offHours.slice(0, 4), `time_zone: ${zoneWhereItIs(12)}`, 'prefer: local', 'priorities: [background]'].join(
        '\n',
      ),
    ),
  );
  expect(await run('background')).toBe('gpt-4');
});

/** A zone of a fixed offset in which the hour is this one now. */
function zoneWhereItIs(hour: number): string {
  const ahead = (hour - new Date().getUTCHours() + 24) % 24;
  // The signs of these names are the other way round.
  return ahead <= 12 ? `Etc/GMT-${ahead}` : `Etc/GMT+${24 - ahead}`;
}

test('a premium model is used only with high priority', async () => {
  await apply(system, documentFile(model('GPT-4', { tier: 'premium' })));
  const run = async (over: Partial<TaskRequest>): Promise<string> =>
    (await system.client.run({ type: 'text_gen', input: 'Hello', ...over })).model;
  expect(await run({ priority: 'background' })).toBe('claude-3');
  expect(await run({})).toBe('claude-3');
  expect(await run({ model: 'GPT-4', unavailableModel: 'route' })).toBe('claude-3');
  await expect(run({ model: 'GPT-4' })).rejects.toMatchObject({
    code: 'model_not_allowed',
    message: expect.stringContaining('high_priority: true'),
  });
  expect(upstream.countOf('gpt-4')).toBe(0);
  expect(await run({ model: 'GPT-4', priority: 'high' })).toBe('gpt-4');
  expect(await run({ highPriority: true })).toBe('gpt-4');
  expect(upstream.countOf('gpt-4')).toBe(2);
});
