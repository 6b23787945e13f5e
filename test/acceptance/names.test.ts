import { expect, test } from 'vitest';
import { namesEndingIn } from './names.ts';

const suffix = '-acceptance-run-k3f9ab';
const documents = `kind: model
name: GPT-3.5
tags: [text_gen, code]
aliases: ["local:GPT"]
provider_model: "GPT-3.5"
endpoint: http://127.0.0.1:1/v1
---
kind: route
name: text_gen
primary: "GPT-3.5"
---
[reflex:auto_debug_logs]
  preferred_model: GPT-3.5
  fallback: GPT-3.5
`;

test('every document and what it refers to gets the name of the run, and nothing else of it changes', () => {
  const text = namesEndingIn(suffix).documents(documents);
  expect(text.replaceAll(suffix, '')).toBe(documents);
  expect(text.split('\n').filter((line) => line.includes(suffix))).toEqual([
    `name: GPT-3.5${suffix}`,
    `tags: [text_gen${suffix}, code${suffix}]`,
    `aliases: ["local:GPT${suffix}"]`,
    `name: text_gen${suffix}`,
    `primary: "GPT-3.5${suffix}"`,
    `[reflex:auto_debug_logs${suffix}]`,
    `  preferred_model: GPT-3.5${suffix}`,
    `  fallback: GPT-3.5${suffix}`,
  ]);
});

test('a name of the run is found by any spelling, and other words stay', () => {
  const names = namesEndingIn(suffix);
  names.documents(documents);
  expect(['gpt-3.5', 'GPT-3-5', 'Hello', 'default'].map(names.ours)).toEqual([
    `gpt-3.5${suffix}`,
    `GPT-3-5${suffix}`,
    'Hello',
    'default',
  ]);
});

test('what the product says is read in the words of the lines, and a document of somebody else is not taken for ours', () => {
  const names = namesEndingIn(suffix);
  names.documents(documents);
  const said = { model: `gpt-3-5${suffix}`, of: ['gpt-3-5', `asked GPT-3.5${suffix}`], cost: 3n, none: null };
  expect(names.read(said)).toEqual({
    model: 'gpt-3-5',
    of: ['theirs: gpt-3-5', 'asked GPT-3.5'],
    cost: 3n,
    none: null,
  });
});

test('without a suffix documents and answers stay as they are', () => {
  const names = namesEndingIn('');
  expect(names.documents(documents)).toBe(documents);
  expect([names.ours('GPT-3.5'), names.read('gpt-3-5')]).toEqual(['GPT-3.5', 'gpt-3-5']);
});
