import { describe, expect, test } from 'vitest';
import { answers, callsTool } from '../../../testing/fake-tasks.ts';
import { chat, hello, message, snapshotWith, useTwoModels } from '../../../testing/two-models.ts';

const { accepted, asked, at, post, refusal } = useTwoModels();

const pixel = 'iVBORw0KGgo=';
const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } };
const call = { id: 'c1', type: 'function', function: { name: 'shot', arguments: '{}' } };
const ephemeral = { type: 'ephemeral' };

describe('what reaches the model', () => {
  test('an image in a result of a tool, from Anthropic’s form, and the model must see images', async () => {
    const source = { type: 'base64', media_type: 'image/png', data: pixel };
    const messages = [
      hello,
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'shot', input: {} }] },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'c1',
            content: [
              { type: 'text', text: 'a page' },
              { type: 'image', source },
            ],
          },
        ],
      },
    ];
    expect(await accepted('/v1/messages', message({ messages }))).toBeNull();
    expect(asked().messages.at(-1)).toEqual({
      role: 'tool',
      tool_call_id: 'c1',
      content: [{ type: 'text', text: 'a page' }, image],
    });
    expect(at().tasks.requests[0]?.inputModalities).toEqual(['text', 'image']);
  });

  test('a failed result of a tool still says that it failed', async () => {
    const results = (content: unknown) => [
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'shot', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', is_error: true, content }] },
    ];
    await accepted('/v1/messages', message({ messages: results('no page') }));
    expect(asked().messages.at(-1)).toMatchObject({ content: 'Error: no page' });
  });

  test('role system within Anthropic’s messages, at its place', async () => {
    const messages = [hello, { role: 'system', content: [{ type: 'text', text: 'be brief' }] }, hello];
    await accepted('/v1/messages', message({ system: 'be kind', messages }));
    expect(asked().messages.map(({ role }) => role)).toEqual(['system', 'user', 'system', 'user']);
  });

  test('documents of text and search results, as text', async () => {
    const content = [
      { type: 'document', title: 'Lease', source: { type: 'text', media_type: 'text/plain', data: 'twelve months' } },
      { type: 'search_result', source: 'https://a.example', title: 'A', content: [{ type: 'text', text: 'found' }] },
    ];
    await accepted('/v1/messages', message({ messages: [{ role: 'user', content }] }));
    expect(JSON.stringify(asked().messages)).toMatch(/Lease.*twelve months.*found/);
  });

  test('images that an assistant showed, right after its turn', async () => {
    const messages = [
      hello,
      { role: 'assistant', content: 'see', images: [image], tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
      { role: 'user', content: 'What is it?' },
    ];
    await accepted('/v1/chat/completions', chat({ messages }));
    expect(asked().messages).toEqual([
      hello,
      { role: 'assistant', content: [{ type: 'text', text: 'see' }], tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
      { role: 'user', content: [image] },
      { role: 'user', content: 'What is it?' },
    ]);
  });

  test('images beside the content, as bare base64 or addresses', async () => {
    const messages = [{ role: 'user', content: 'look', images: [pixel, 'https://example.com/a.png'] }];
    await accepted('/v1/chat/completions', chat({ messages }));
    expect(asked().messages[0]?.['content']).toEqual([
      { type: 'text', text: 'look' },
      image,
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
    ]);
  });

  test('a name that vendors know', async () => {
    await accepted('/v1/chat/completions', chat({ messages: [{ ...hello, name: 'ada' }] }));
    expect(asked().messages).toEqual([{ ...hello, name: 'ada' }]);
  });

  test('hints for caches on parts, messages and tools', async () => {
    const messages = [
      { role: 'system', content: 'long', cache_control: ephemeral },
      { role: 'user', content: [{ type: 'text', text: 'hello', cache_control: ephemeral }] },
    ];
    const tools = [{ type: 'function', function: { name: 'f', cache_control: ephemeral } }];
    expect(await accepted('/v1/chat/completions', chat({ messages, tools }))).toBeNull();
    expect(asked()).toMatchObject({
      messages: [{ content: [{ type: 'text', text: 'long', cache_control: ephemeral }] }, messages[1]],
      tools: [{ type: 'function', function: { name: 'f' }, cache_control: ephemeral }],
    });
  });

  test('hints for caches out of Anthropic’s form, and the one for the whole request', async () => {
    const system = [{ type: 'text', text: 'long', cache_control: ephemeral }];
    const tools = [{ name: 'f', input_schema: { type: 'object' }, cache_control: ephemeral }];
    await accepted('/v1/messages', message({ system, tools, cache_control: ephemeral }));
    expect(asked()).toMatchObject({
      messages: [
        { content: [{ cache_control: ephemeral }] },
        { content: [{ text: 'hello', cache_control: ephemeral }] },
      ],
      tools: [{ cache_control: ephemeral }],
    });
  });

  test('arguments of a call that came as an object, and calls without a type', async () => {
    const odd = { id: 'c1', function: { name: 'shot', arguments: { page: 1 } } };
    const messages = [
      hello,
      { role: 'assistant', tool_calls: [odd] },
      { role: 'tool', tool_call_id: 'c1', content: [] },
    ];
    await accepted('/v1/chat/completions', chat({ messages }));
    expect(asked().messages.slice(1)).toEqual([
      { role: 'assistant', tool_calls: [{ ...call, function: { name: 'shot', arguments: '{"page":1}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: '' },
    ]);
  });

  test('names of functions of 128 characters', async () => {
    const name = 'n'.repeat(128);
    await accepted('/v1/messages', message({ tools: [{ name, input_schema: { type: 'object' } }] }));
    expect(asked()['tools']).toMatchObject([{ function: { name } }]);
  });
});

describe('what is dropped, since no answer depends on it', () => {
  test('what earlier answers carried', async () => {
    const messages = [
      { ...hello, id: 'm1', name: 'not a name!' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'hi' },
        ],
        reasoning: 'hm',
        reasoning_content: 'hm',
        reasoning_details: [{ type: 'reasoning.text', text: 'hm' }],
        thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 's' }],
        provider_specific_fields: { citations: null },
        annotations: [],
        tool_calls: [{ ...call, index: 0, extra_content: { google: { thought_signature: 's' } } }],
      },
      { role: 'tool', tool_call_id: 'c1', name: 'shot', content: 'done' },
    ];
    expect(await accepted('/v1/chat/completions', chat({ messages }))).toBeNull();
    expect(asked().messages).toEqual([
      hello,
      { role: 'assistant', content: [{ type: 'text', text: 'hi' }], tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
    ]);
  });

  test('how tools are loaded, and how a context is managed', async () => {
    const tool = {
      name: 'f',
      input_schema: { type: 'object' },
      eager_input_streaming: true,
      defer_loading: true,
      input_examples: [{ a: 1 }],
    };
    const fields = { tools: [tool], context_management: { edits: [] }, metadata: { user_id: 'u' } };
    expect(await accepted('/v1/messages?beta=true', message(fields))).toBeNull();
    expect(asked()['tools']).toEqual([{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]);
  });

  test('an empty list of tools, with the choice among them', async () => {
    await accepted('/v1/chat/completions', chat({ tools: [], tool_choice: 'auto', parallel_tool_calls: true }));
    expect(asked()).toEqual({ messages: [hello] });
  });

  test('what Codex says beside its question', async () => {
    const body = {
      model: 'auto',
      instructions: 'be brief',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
        { type: 'reasoning', id: 'rs_1', summary: [], content: null, encrypted_content: 'x' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
      ],
      tools: [
        { type: 'function', name: 'shell', parameters: { type: 'object' }, strict: false },
        { type: 'namespace', name: 'mcp', description: 'd', tools: [] },
        { type: 'web_search', external_web_access: false, user_location: { country: 'NO' } },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning: { effort: 'medium', summary: 'auto' },
      store: false,
      stream: false,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: 'k',
      client_metadata: { 'x-codex-installation-id': 'i' },
      text: { verbosity: 'low' },
    };
    expect(await accepted('/v1/responses', body)).toBe('verbosity, tools.namespace, tools.web_search');
    expect(asked()).toEqual({
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: [{ type: 'text', text: 'hello' }] },
      ],
      tools: [{ type: 'function', function: { name: 'shell', parameters: { type: 'object' }, strict: false } }],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning_effort: 'medium',
    });
  });
});

describe('other unknown fields', () => {
  test('are dropped with a notice, at most ten names and no odd one', async () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`field_${n}`, n]));
    const names = (await accepted('/v1/chat/completions', chat({ 'odd name': 1, ...many })))?.split(', ') ?? [];
    expect(names).toEqual(Array.from({ length: 10 }, (_, n) => `field_${n}`));
    expect(asked()).toEqual({ messages: [hello] });
  });

  test('are told of before a stream, too', async () => {
    expect(await accepted('/v1/chat/completions', chat({ best_of: 2, stream: true }))).toBe('best_of');
  });

  test('are told of for tasks that are no chat', async () => {
    at().tasks.script = answers('[{"index":0,"score":1}]');
    expect(await accepted('/v1/rerank', { model: 'auto', query: 'q', documents: ['d'], max_chunks: 3 })).toBe(
      'max_chunks',
    );
  });

  test('are refused where the client’s document says strict_requests', async () => {
    const strict = { 'x-will-client': 'strict' };
    expect(await refusal('/v1/chat/completions', chat({ best_of: 2 }), strict)).toMatch(
      /^best_of: .*"best_of".*strict_requests/,
    );
    expect(
      await refusal('/v1/messages', message({ tools: [{ type: 'web_search_20250305', name: 'w' }] }), strict),
    ).toContain('tools.web_search_20250305');
    expect(
      await refusal('/v1/rerank', { model: 'auto', query: 'q', documents: ['d'], max_chunks: 3 }, strict),
    ).toContain('max_chunks');
  });

  test('reach models whose documents name them; the notice depends on who answered', async () => {
    const body = chat({ top_k: 5, chat_template_kwargs: { enable_thinking: false } });
    expect(await accepted('/v1/chat/completions', body)).toBeNull();
    expect(asked()).toEqual({ messages: [hello], top_k: 5, chat_template_kwargs: { enable_thinking: false } });
    at().backends.snapshot = snapshotWith({ pass_through: ['top_k'] });
    at().tasks.script = async (request) => ({ ...(await answers('pong')(request, false, () => {})), model: 'cloud' });
    expect(await accepted('/v1/chat/completions', body)).toBe('chat_template_kwargs');
  });

  test('of Anthropic’s form reach models whose documents name them', async () => {
    expect(await accepted('/v1/messages', message({ model: 'llama', top_k: 5 }))).toBeNull();
    expect(asked()['top_k']).toBe(5);
    expect(await accepted('/v1/messages', message({ model: 'cloud', top_k: 5 }))).toBe('top_k');
  });

  test('that only some models take are refused to a strict client', async () => {
    expect(await refusal('/v1/chat/completions', chat({ top_k: 5 }), { 'x-will-client': 'strict' })).toContain('top_k');
    await accepted('/v1/chat/completions', chat({ model: 'llama', top_k: 5 }), { 'x-will-client': 'strict' });
  });
});

describe('content is never dropped', () => {
  test.each([
    ['/v1/chat/completions', chat({ messages: [{ role: 'user', content: [{ type: 'video_url', video_url: {} }] }] })],
    [
      '/v1/chat/completions',
      chat({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] }),
    ],
    ['/v1/chat/completions', chat({ messages: [{ ...hello, audios: ['x'] }] })],
    [
      '/v1/chat/completions',
      chat({ messages: [{ role: 'assistant', function_call: { name: 'f', arguments: '{}' } }] }),
    ],
    ['/v1/chat/completions', chat({ system: 'be brief' })],
    ['/v1/messages', message({ messages: [{ role: 'user', content: [{ type: 'container_upload', file_id: 'f' }] }] })],
    ['/v1/responses', { model: 'auto', input: [{ type: 'computer_call', id: 'c' }] }],
    ['/v1/responses', { model: 'auto', input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] }],
  ])('%s refuses %j', async (path, body) => {
    await refusal(path, body);
  });
});

describe('tools that no model here runs', () => {
  test('are refused where one must be used', async () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
    expect(
      await refusal('/v1/messages', message({ tools, tool_choice: { type: 'tool', name: 'web_search' } })),
    ).toContain('tool_choice.type "web_search_20250305" must be "function"');
    const responses = { model: 'auto', input: 'hello', tools: [{ type: 'web_search' }] };
    await refusal('/v1/responses', { ...responses, tool_choice: { type: 'web_search' } });
  });

  test('of functions only those that are allowed now are told of', async () => {
    const tools = ['f', 'g'].map((name) => ({ type: 'function', function: { name } }));
    const allowed = { mode: 'required', tools: [{ type: 'function', function: { name: 'g' } }] };
    await accepted(
      '/v1/chat/completions',
      chat({ tools, tool_choice: { type: 'allowed_tools', allowed_tools: allowed } }),
    );
    expect(asked()).toMatchObject({ tools: [tools[1]], tool_choice: 'required' });
  });
});

describe('custom tools of the responses form', () => {
  const patch = {
    type: 'custom',
    name: 'apply_patch',
    description: 'Edits files.',
    format: { type: 'grammar', syntax: 'lark', definition: 'start: begin' },
  };

  test('are functions of one text for models, with their grammar told', async () => {
    const tool_choice = { type: 'custom', name: 'apply_patch' };
    await accepted('/v1/responses', { model: 'auto', input: 'x', tools: [patch], tool_choice });
    const [{ function: told }] = asked()['tools'] as [{ function: { name: string; description: string } }];
    expect(told).toMatchObject({
      name: 'apply_patch',
      description: expect.stringMatching(/^Edits files\.[^]*lark grammar:\nstart: begin$/) as string,
      parameters: { properties: { input: { type: 'string' } }, required: ['input'] },
    });
    expect(asked()['tool_choice']).toEqual({ type: 'function', function: { name: 'apply_patch' } });
  });

  test.each([
    [{ input: '*** Begin Patch' }, '*** Begin Patch'],
    [{ patch: 'x' }, '{"patch":"x"}'],
  ])('what the model gives (%j) comes back as their text, and is shown to it again as it was', async (given, input) => {
    at().tasks.script = callsTool('apply_patch', given);
    const first = (await (await post('/v1/responses', { model: 'auto', input: 'x', tools: [patch] })).json()) as {
      output: Record<string, unknown>[];
    };
    expect(first.output).toMatchObject([
      { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input, status: 'completed' },
    ]);
    at().tasks.script = answers('done');
    at().tasks.requests.length = 0;
    for (const call of [first.output[0], { type: 'item_reference', id: first.output[0]?.['id'] }]) {
      const result = { type: 'custom_tool_call_output', call_id: 'c1', output: 'ok' };
      await accepted('/v1/responses', { model: 'auto', input: [call, result], tools: [patch] });
      expect(asked().messages).toMatchObject([
        { role: 'assistant', tool_calls: [{ id: 'c1', function: { arguments: JSON.stringify({ input }) } }] },
        { role: 'tool', tool_call_id: 'c1' },
      ]);
      at().tasks.requests.length = 0;
    }
  });
});

describe('references to items of earlier answers', () => {
  test('are not resolved where the caller wanted nothing kept', async () => {
    at().tasks.script = callsTool('f', {});
    const first = (await (await post('/v1/responses', { model: 'auto', input: 'x', store: false })).json()) as {
      output: { id: string }[];
    };
    at().tasks.requests.length = 0;
    const input = [{ type: 'item_reference', id: first.output[0]?.id }];
    expect(await refusal('/v1/responses', { model: 'auto', input })).toMatch(/^input\.0\.id: .*store: false/);
  });

  test('are resolved by what their ids hold', async () => {
    const first = (await (await post('/v1/responses', { model: 'auto', input: 'ping' })).json()) as {
      output: { id: string }[];
    };
    at().tasks.requests.length = 0;
    const input = [
      { type: 'item_reference', id: first.output[0]?.id },
      { role: 'user', content: 'and?' },
    ];
    await accepted('/v1/responses', { model: 'auto', input });
    expect(asked().messages).toEqual([
      { role: 'assistant', content: 'pong' },
      { role: 'user', content: 'and?' },
    ]);
  });

  test.each(['msg_elsewhere', 'msg_sealed_!!!', `msg_sealed_${'A'.repeat(100)}`, 'fc_1'])(
    'that cannot be resolved (%s) are refused with what to do',
    async (id) => {
      const input = [{ type: 'item_reference', id }];
      expect(await refusal('/v1/responses', { model: 'auto', input })).toMatch(/^input\.0\.id: .*store: false/);
    },
  );
});
