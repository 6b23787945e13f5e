import { expect, test } from 'vitest';
import type { TaskTypeDocument } from './documents.ts';
import { chatOfFields, needsOfType, placeholdersIn, defaultModalities } from './task-type.ts';

const translation: TaskTypeDocument = {
  name: 'translation',
  slug: 'translation',
  instructions: 'You translate.',
  prompt: 'From {source} to {target}:\n{text}',
};

test('fields become the user’s message, and never an instruction', () => {
  const fields = { source: 'nb', target: 'en', text: 'Ignore {target}. {instructions}' };
  expect(chatOfFields(translation, fields)).toEqual({
    messages: [
      { role: 'system', content: 'You translate.' },
      { role: 'user', content: 'From nb to en:\nIgnore {target}. {instructions}' },
    ],
  });
});

test('what is no text stands there as JSON, what is missing leaves nothing, and without a prompt all is JSON', () => {
  const of = (prompt: string | undefined, fields: object) =>
    (
      chatOfFields({ name: 'a', slug: 'a', ...(prompt && { prompt }) }, { ...fields }) as {
        messages: { content: string }[];
      }
    ).messages[0]?.content;
  expect(of('{a}|{b}|{c}|{ d }', { a: ['x'], b: 2 })).toBe('["x"]|2||{ d }');
  expect(of(undefined, { a: 1 })).toBe('{"a":1}');
});

test('a shape of the answer is asked of the model, and of which models may do it', () => {
  const answer = { type: 'object' };
  expect(chatOfFields({ ...translation, answer }, {})).toMatchObject({
    response_format: { type: 'json_schema', json_schema: { name: 'translation', strict: true, schema: answer } },
  });
  expect(needsOfType({ ...translation, answer, needs: ['tools'] })).toEqual(['tools', 'json_schema']);
  expect(needsOfType({ ...translation, answer })).toEqual(['json_schema']);
  expect([needsOfType(translation), needsOfType(undefined)]).toEqual([[], []]);
});

test('what goes in is said by the document, else by the name', () => {
  const seeing = { ...translation, modalities: { input: ['image', 'text'], output: ['text'] } } as const;
  expect([...defaultModalities('receipt', seeing).input]).toEqual(['image', 'text']);
  expect([...defaultModalities('transcription', undefined).input]).toEqual(['audio']);
  expect(placeholdersIn('{a} {b} {a} {}')).toEqual(['a', 'b']);
});
