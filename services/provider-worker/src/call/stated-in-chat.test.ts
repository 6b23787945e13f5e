import { expect, test } from 'vitest';
import { unheardIn } from './stated-in-chat.ts';

const none: ReadonlySet<string> = new Set();
const chat = (more: object): object => ({ messages: [{ role: 'user', content: 'Hello' }], ...more });

test.each([
  ['a project in metadata', { metadata: { will_project: 'shared secret' } }, 'metadata "will_project"'],
  ['a client in metadata', { metadata: { 'X-Will-Client': 'acmelegal' } }, 'metadata "X-Will-Client"'],
  ['a data class without its prefix', { metadata: { data_class: 'customer' } }, 'metadata "data_class"'],
  ['an attribute among the fields', { will_project: 'shared secret' }, '"will_project"'],
  ['a project among the fields', { project: 'shared secret' }, '"project"'],
  ['a wish about the cloud', { avoid_cloud: true }, '"avoid_cloud"'],
  ['a wish about retention', { zdr: true }, '"zdr"'],
  ['a provider', { provider: { order: ['eu'] } }, '"provider"'],
  ['fields of a library', { extra_body: { will_project: 'x' } }, '"extra_body"'],
])('%s is refused by its name, and its value is not repeated', (_, more, named) => {
  const wrong = unheardIn(chat(more), none);
  expect(wrong).toContain(named);
  expect(wrong).not.toContain('secret');
});

test('what models read, hints, and wishes for nothing are left alone', () => {
  const more = {
    temperature: 0,
    tools: [],
    response_format: { type: 'json_object' },
    stream: true,
    max_tokens: 5,
    user: 'u',
    prompt_cache_key: 'k',
    safety_identifier: 's',
    service_tier: 'auto',
    store: false,
    avoid_cloud: false,
    zdr: null,
    metadata: {
      session_id: 'a',
      note: 'b',
    },
  };
  expect(unheardIn(chat(more), none)).toBeUndefined();
  expect(unheardIn(chat({ provider: { order: [] } }), new Set(['provider']))).toBeUndefined();
  for (const other of [undefined, null, 7, 'x', []]) expect(unheardIn(other, none)).toBeUndefined();
});
