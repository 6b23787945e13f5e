import { compileSnapshot, decide, type Snapshot } from '@will/core';
import { expect, test } from 'vitest';
import { rankedBy } from './ranked-by.ts';

const model = (slug: string) =>
  ({
    kind: 'model',
    body: {
      name: slug,
      slug,
      aliases: [],
      tags: ['text_gen'],
      call_method: 'API',
      provider: 'openai-compatible',
      capabilities: [],
      tier: 'standard',
    },
  }) as const;
const compiled = compileSnapshot(1, [
  model('a'),
  model('b'),
  model('c'),
  { kind: 'settings', body: { name: 'global', slug: 'global', default_data_class: 'open' } },
  {
    kind: 'route',
    body: {
      name: 'text_gen',
      slug: 'text_gen',
      steps: ['a', 'b', 'c'].map((name) => ({ step: name, model: name })),
    },
  },
]);
const snapshot = ('snapshot' in compiled ? compiled.snapshot : undefined) as Snapshot;
const set = decide(
  snapshot,
  {
    taskType: 'text_gen',
    client: 'default',
    project: undefined,
    reflex: undefined,
    priority: 'normal',
    dataClass: undefined,
    model: undefined,
    input: ['text'],
    output: ['text'],
    needs: [],
    inputTokens: 1,
    maxOutputTokens: 0,
  },
  1_800_000_000_000,
);
const order = (answer: () => readonly string[]) => {
  const failures: string[] = [];
  const ranked = rankedBy({ name: 'r', order: answer }, set, snapshot, (what) => failures.push(what));
  return { models: ranked.candidates.map((candidate) => candidate.model), notes: ranked.notes, failures };
};

test('models stand in the order of the ranking; those it leaves out follow as declared', () => {
  expect(order(() => ['c', 'a', 'b']).models).toEqual(['c', 'a', 'b']);
  expect(order(() => ['c'])).toMatchObject({
    models: ['c', 'a', 'b'],
    notes: expect.arrayContaining(['in the order of ranking r']),
  });
});

test('it can neither add a model nor double one', () => {
  expect(order(() => ['stranger', 'b', 'b']).models).toEqual(['b', 'a', 'c']);
});

test('one that throws changes nothing, and is told of', () => {
  const { models, notes, failures } = order(() => {
    throw new Error('no');
  });
  expect(models).toEqual(['a', 'b', 'c']);
  expect(notes).toContain('ranking r failed: the declared order holds');
  expect(failures).toEqual(['ranking r']);
});
