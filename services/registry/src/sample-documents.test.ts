import { fileURLToPath } from 'node:url';
import { factsFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { formatProblem } from '@will/contracts';
import { decide, type Facts, type Snapshot } from '@will/core';
import { readDocumentFolder } from './adapters/document-folder.ts';
import { planChange } from './plan-change.ts';
import { warningsOf } from './warnings.ts';

const folder = fileURLToPath(new URL('../../../deploy/documents', import.meta.url));

async function sample(): Promise<Snapshot> {
  const planned = await planChange(0, [], await readDocumentFolder(folder), false);
  if ('problems' in planned) throw new Error(planned.problems.map(formatProblem).join('\n'));
  return planned.plan.snapshot;
}

/** What the specification writes, line by line. */
const specification = [
  '[text_gen]\n  primary: GPT-4\n  fallback_1: Claude 3\n  fallback_2: GPT-3.5\n  fallback_3: local:LLaMA\n',
  '[code]\n  primary: Claude 3\n  fallback_1: GPT-4\n  fallback_2: local:CodeLLaMA\n',
  '[client:AcmeLegal]\n  default_model: Claude 3\n  force_tone: formal\n  data_rules:\n    use_compliant_only: true\n    avoid_cloud: true\n',
  '[reflex:auto_debug_logs]\n  preferred_model: GPT-4\n  fallback: GPT-3.5\n',
];

test("the samples hold the specification's blocks word for word", async () => {
  const files = await readDocumentFolder(folder);
  for (const block of specification) expect(files.some(({ text }) => text.includes(block))).toBe(true);
});

test('the samples hold every model that the specification names, and all documents fit together', async () => {
  const { models, routes, clients, reflexes, schedules, defaultDataClass } = await sample();
  for (const slug of ['gpt-4', 'gpt-3-5', 'claude-3', 'gemini', 'whisper', 'llama', 'codellama'])
    expect(models.has(slug)).toBe(true);
  expect([...routes.keys()].sort()).toEqual([
    'code',
    'embedding',
    'ocr',
    'text_gen',
    'transcription',
    'translation',
    'vision',
  ]);
  expect(clients.get('acmelegal')).toMatchObject({ default_model: 'claude-3', force_tone: 'formal' });
  expect(reflexes.get('auto_debug_logs')).toMatchObject({ preferred_model: 'gpt-4', fallback: ['gpt-3-5'] });
  expect(schedules.get('off_hours')).toMatchObject({ from: '21:00', to: '06:00', prefer: 'local' });
  expect(defaultDataClass).toBe('open');
});

test("the specification's routes keep their order and end at the model that a fresh machine has", async () => {
  const { routes } = await sample();
  const modelsOf = (route: string) => routes.get(route)?.steps.map(({ model }) => model);
  expect(modelsOf('text_gen')).toEqual(['gpt-4', 'claude-3', 'gpt-3-5', 'llama', 'smollm2-135m-instruct']);
  expect(modelsOf('code')).toEqual(['claude-3', 'gpt-4', 'codellama', 'smollm2-135m-instruct']);
});

const noon = Date.UTC(2026, 10, 23, 12);

test('AcmeLegal can be answered, and only by models that never leave the machine', async () => {
  const snapshot = await sample();
  for (const dataClass of ['open', 'customer-sensitive'] as const) {
    const { candidates, exclusions } = decide(snapshot, factsFor({ client: 'acmelegal', dataClass }), noon);
    expect(candidates.map(({ model }) => model)).toEqual(['llama', 'smollm2-135m-instruct']);
    expect(exclusions.find(({ model }) => model === 'claude-3')).toBeDefined();
  }
});

test('a client that has no document of its own gets the whole route, and after 9 PM the local models first for background work', async () => {
  const snapshot = await sample();
  const modelsAt = (over: Partial<Facts>, hour: number) =>
    decide(snapshot, factsFor(over), Date.UTC(2026, 10, 23, hour)).candidates.map(({ model }) => model);
  expect(modelsAt({}, 22)).toEqual(['gpt-4', 'claude-3', 'gpt-3-5', 'llama', 'smollm2-135m-instruct']);
  expect(modelsAt({ priority: 'background' }, 22).slice(0, 2)).toEqual(['llama', 'smollm2-135m-instruct']);
  expect(modelsAt({ priority: 'background' }, 12)[0]).toBe('gpt-4');
});

test('every model in a route can do its task type', async () => {
  const { models, routes } = await sample();
  for (const { slug, steps } of routes.values())
    for (const { model } of steps)
      expect([model, [...(models.get(model)?.taskTypes ?? [])]]).toEqual([model, expect.arrayContaining([slug])]);
});

test('no sample leaves a tag on data unsaid', async () => {
  const snapshot = await sample();
  expect(warningsOf(snapshot, snapshot.documents, 0)).toEqual([]);
});
