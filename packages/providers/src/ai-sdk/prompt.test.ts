import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { expect, test } from 'vitest';
import { readChatInput } from './chat-input.ts';
import { callOptionsOf } from './prompt.ts';

type Sent = Readonly<Record<string, unknown>>;
const anthropic = (fetch: typeof globalThis.fetch) => createAnthropic({ apiKey: 'none', fetch })('claude-sonnet-4-5');
const google = (fetch: typeof globalThis.fetch) => createGoogle({ apiKey: 'none', fetch })('gemini-2.5-flash');
const openai = (fetch: typeof globalThis.fetch) => createOpenAI({ apiKey: 'none', fetch }).responses('gpt-4o');

/** The body that a vendor's package makes of a chat. */
async function sentBy(
  vendor: (fetch: typeof globalThis.fetch) => LanguageModelV4,
  chat: object,
  passThrough: readonly string[] = [],
): Promise<Sent> {
  let body: Sent | undefined;
  const input = readChatInput(Buffer.from(JSON.stringify(chat)));
  if (!input) throw new Error('the chat was not read');
  const model = vendor((_url, init) => {
    body = JSON.parse(String(init?.body)) as Sent;
    return Promise.reject(new Error('captured'));
  });
  await Promise.resolve(model.doGenerate(callOptionsOf(input, new Set(passThrough)))).catch(() => {});
  if (!body) throw new Error('nothing was sent');
  return body;
}

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } };
const shot = {
  messages: [
    { role: 'user', content: 'Look at the page.' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'shot', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'the page' }, image] },
  ],
  tools: [{ type: 'function', function: { name: 'shot', parameters: { type: 'object', properties: {} } } }],
};

test.each(Object.entries({ anthropic, google, openai }))(
  'an image in a tool result reaches the model by %s',
  async (_name, vendor) => {
    const sent = JSON.stringify(await sentBy(vendor, shot));
    expect(sent).toContain(pixel);
    expect(sent).toContain('the page');
  },
);

test('hints for caches reach Anthropic from instructions, messages, results and tools', async () => {
  const cache_control = { type: 'ephemeral', ttl: '1h' };
  const sent = await sentBy(anthropic, {
    messages: [
      { role: 'system', content: [{ type: 'text', text: 'long rules', cache_control }] },
      { role: 'user', content: [{ type: 'text', text: 'long question', cache_control }] },
      shot.messages[1],
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'long result', cache_control }] },
    ],
    tools: shot.tools.map((tool) => ({ ...tool, cache_control })),
  });
  const { system, tools, messages } = sent as { system: object[]; tools: object[]; messages: { content: object[] }[] };
  expect(system).toMatchObject([{ text: 'long rules', cache_control }]);
  expect(tools).toMatchObject([{ name: 'shot', cache_control }]);
  expect(messages[0]?.content).toMatchObject([{ text: 'long question', cache_control }]);
  expect(JSON.stringify(messages[2])).toContain('"cache_control":{"type":"ephemeral","ttl":"1h"}');
});

test('hints for caches do not reach vendors that do not know them', async () => {
  const content = [{ type: 'text', text: 'long', cache_control: { type: 'ephemeral' } }];
  for (const vendor of [google, openai])
    expect(JSON.stringify(await sentBy(vendor, { messages: [{ role: 'user', content }] }))).not.toMatch(
      /cache_?control/i,
    );
});

test('instructions within a conversation reach the model', async () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
    { role: 'system', content: 'Answer in French.' },
  ];
  for (const vendor of [anthropic, google, openai]) {
    const sent = JSON.stringify(await sentBy(vendor, { messages }));
    expect(sent).toContain('Be brief.');
    expect(sent).toContain('Answer in French.');
  }
});

test('top_k reaches a model whose document names it, and no other', async () => {
  const chat = { messages: [{ role: 'user', content: 'Hello' }], top_k: 7 };
  expect(await sentBy(google, chat, ['top_k'])).toMatchObject({ generationConfig: { topK: 7 } });
  expect(JSON.stringify(await sentBy(google, chat))).not.toContain('topK');
});
