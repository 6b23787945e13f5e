import { parseDocuments } from '@will/contracts';
import { compileSnapshot } from '@will/core';
import { expect, test } from 'vitest';
import { runCli } from '../program.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { readCatalogue } from './catalogue.ts';

async function willm(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal();
  const code = await runCli(args, terminal);
  return { code, out: terminal.stdout(), err: terminal.stderr() };
}

test('every entry is a record that compiles, and leaves to its operator what may be shown to it', async () => {
  const entries = await readCatalogue();
  expect(entries.length).toBeGreaterThan(20);
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  const compiled = compileSnapshot(
    1,
    entries.map(({ document: body }) => ({ kind: 'model' as const, body })),
  );
  expect('problems' in compiled ? compiled.problems : []).toEqual([]);
  for (const { document } of entries) {
    expect(document).toMatchObject({ call_method: 'API', data_residency: 'Global' });
    for (const field of ['allowed_tasks', 'security_level', 'compliance', 'prices'])
      expect(document).not.toHaveProperty(field);
  }
});

test('a well-known model becomes a record with limits, modalities, and what it costs now', async () => {
  const { code, out, err } = await willm('models', 'add', 'openai/gpt-5', '--dry-run', '--api-key', 'env://MY_KEY');
  expect(code).toBe(0);
  expect(err).toContain('open data only');
  const { documents, problems } = parseDocuments('out.yaml', out);
  expect(problems).toEqual([]);
  expect(documents[0]?.document).toMatchObject({
    kind: 'model',
    body: {
      name: 'GPT-5',
      provider: 'openai',
      provider_model: 'gpt-5',
      api_key: 'env://MY_KEY',
      context_tokens: 400_000,
      max_output_tokens: 128_000,
      modalities: { input: ['text', 'image'], output: ['text'] },
      data_residency: 'Global',
      prices: { input: 1.25, output: 10, cached_input: 0.125 },
    },
  });
});

test('a model that is gone is not added, and one that nobody knows is told with what is near', async () => {
  expect(await willm('models', 'add', 'openai/gpt-4', '--dry-run')).toMatchObject({
    code: 1,
    err: expect.stringContaining('retired since 2026-10-23'),
  });
  const unknown = await willm('models', 'add', 'openai/gpt-5-mni', '--dry-run');
  expect(unknown.code).toBe(1);
  expect(unknown.err).toMatch(/near: .*openai\/gpt-5-mini/);
});

test('options of a file are refused for a known model', async () => {
  const { code, err } = await willm('models', 'add', 'openai/gpt-5', '--context', '10', '--dry-run');
  expect([code, err]).toEqual([2, expect.stringContaining('--context')]);
});

test('the catalogue is listed with what its models take and cost', async () => {
  const { code, out } = await willm('models', 'catalogue');
  expect(code).toBe(0);
  expect(out).toMatch(/^MODEL +TAKES +TAGS +CONTEXT +PER MILLION/);
  expect(out).toMatch(/anthropic\/claude-haiku-4-5 +text image .* 200000 +\$1 \/ \$5/);
  expect(out).toMatch(/openai\/gpt-4 .*retired/);
});
