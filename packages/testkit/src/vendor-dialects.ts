/** How one vendor writes what an upstream says. Usage is always 12 tokens in, 4 of them from a cache, and 14 out. */
export interface Dialect {
  modelOf(path: string, body: Readonly<Record<string, unknown>>): string;
  isStream(path: string, body: Readonly<Record<string, unknown>>): boolean;
  /** The whole answer of a call without a stream. */
  whole(model: string, content: Content): object;
  begin(model: string): string;
  piece(text: string): string;
  /** A tool call within a stream. */
  toolCall(): string;
  end(finish: Finish): string;
  /** The vendor's error in place of another event. */
  errorEvent: string;
}

export type Finish = 'stop' | 'length' | 'tool_calls' | 'refused';
export type Content =
  | { readonly kind: 'text'; readonly text: string; readonly finish: 'stop' | 'length' }
  | { readonly kind: 'tool_call' }
  | { readonly kind: 'refused' };

/** The vendor whose path this is; undefined: OpenAI's. */
export function dialectOf(path: string): Dialect | undefined {
  if (path.endsWith('/messages')) return anthropicDialect;
  if (path.endsWith('/responses')) return responsesDialect;
  return /:(streamG|g)enerateContent/.test(path) ? googleDialect : undefined;
}

const weather = { city: 'Paris' };

const anthropicFinish = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', refused: 'refusal' } as const;
const anthropicUsage = { input_tokens: 6, cache_creation_input_tokens: 2, cache_read_input_tokens: 4 };
const named = (data: { readonly type: string; readonly [field: string]: unknown }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

/** One content block is open from `begin` on, so that a piece needs no event of its own before it. */
const anthropicDialect: Dialect = {
  modelOf: (_path, body) => String(body['model']),
  isStream: (_path, body) => body['stream'] === true,
  whole: (model, content) => ({
    id: 'msg_upstream',
    type: 'message',
    role: 'assistant',
    model,
    content:
      content.kind === 'text'
        ? [{ type: 'text', text: content.text }]
        : content.kind === 'tool_call'
          ? [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: weather }]
          : [],
    stop_reason:
      anthropicFinish[
        content.kind === 'text' ? content.finish : content.kind === 'tool_call' ? 'tool_calls' : 'refused'
      ],
    stop_sequence: null,
    usage: { ...anthropicUsage, output_tokens: 14 },
  }),
  begin: (model) =>
    named({
      type: 'message_start',
      message: {
        id: 'msg_upstream',
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...anthropicUsage, output_tokens: 1 },
      },
    }) +
    named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
    named({ type: 'ping' }),
  piece: (text) => named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  toolCall: () =>
    [
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} },
      },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"city":' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '"Paris"}' } },
      { type: 'content_block_stop', index: 1 },
    ]
      .map(named)
      .join(''),
  end: (finish) =>
    (finish === 'tool_calls' ? '' : named({ type: 'content_block_stop', index: 0 })) +
    named({
      type: 'message_delta',
      delta: { stop_reason: anthropicFinish[finish], stop_sequence: null },
      usage: { output_tokens: 14 },
    }) +
    named({ type: 'message_stop' }),
  errorEvent: named({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
};

const responsesUsage = {
  input_tokens: 12,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 14,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 26,
};
const incomplete = { stop: null, tool_calls: null, length: 'max_output_tokens', refused: 'content_filter' } as const;
const response = (model: string, finish: Finish, output: readonly object[]): object => ({
  id: 'resp_upstream',
  object: 'response',
  created_at: 1_800_000_000,
  status: incomplete[finish] === null ? 'completed' : 'incomplete',
  error: null,
  incomplete_details: incomplete[finish] === null ? null : { reason: incomplete[finish] },
  model,
  output,
  usage: responsesUsage,
});
const functionItem = {
  type: 'function_call',
  id: 'fc_1',
  call_id: 'call_1',
  name: 'get_weather',
  arguments: JSON.stringify(weather),
  status: 'completed',
};
const messageItem = (text: string): object => ({
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [] }],
});

/** OpenAI's Responses API: events with names, and a last one that says how it ended. */
const responsesDialect: Dialect = {
  modelOf: (_path, body) => String(body['model']),
  isStream: (_path, body) => body['stream'] === true,
  whole: (model, content) =>
    content.kind === 'text'
      ? response(model, content.finish, [messageItem(content.text)])
      : content.kind === 'tool_call'
        ? response(model, 'tool_calls', [functionItem])
        : response(model, 'refused', []),
  begin: (model) =>
    named({ type: 'response.created', sequence_number: 0, response: response(model, 'stop', []) }) +
    named({
      type: 'response.output_item.added',
      sequence_number: 1,
      output_index: 0,
      item: { type: 'message', id: 'msg_1', status: 'in_progress', role: 'assistant', content: [] },
    }),
  piece: (text) =>
    named({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: text }),
  toolCall: () =>
    [
      { type: 'response.output_item.done', output_index: 0, item: messageItem('') },
      { type: 'response.output_item.added', output_index: 1, item: { ...functionItem, arguments: '' } },
      { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '{"city":' },
      { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '"Paris"}' },
      { type: 'response.output_item.done', output_index: 1, item: functionItem },
    ]
      .map(named)
      .join(''),
  end: (finish) =>
    (finish === 'tool_calls'
      ? ''
      : named({ type: 'response.output_item.done', output_index: 0, item: messageItem('') })) +
    named({
      type: incomplete[finish] === null ? 'response.completed' : 'response.incomplete',
      response: response('upstream', finish, []),
    }),
  errorEvent: named({
    type: 'error',
    sequence_number: 9,
    error: { type: 'server_error', code: 'server_is_overloaded', message: 'overloaded_error', param: null },
  }),
};

const googleFinish = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP', refused: 'SAFETY' } as const;
/** Of the 14 tokens out, Gemini counts those of its thoughts apart. */
const googleUsage = {
  promptTokenCount: 12,
  cachedContentTokenCount: 4,
  candidatesTokenCount: 12,
  thoughtsTokenCount: 2,
  totalTokenCount: 26,
};
const data = (json: object): string => `data: ${JSON.stringify(json)}\r\n\r\n`;
const candidate = (parts: readonly object[], finishReason?: string): object => ({
  candidates: [
    {
      ...(parts.length > 0 && { content: { role: 'model', parts } }),
      ...(finishReason && { finishReason }),
      index: 0,
    },
  ],
  usageMetadata: googleUsage,
  modelVersion: 'gemini-upstream',
  responseId: 'upstream',
});
const functionCall = { functionCall: { name: 'get_weather', args: weather } };

const googleDialect: Dialect = {
  modelOf: (path) => decodeURIComponent(/models\/([^:/]+):/.exec(path)?.[1] ?? ''),
  isStream: (path) => path.includes(':streamGenerateContent'),
  whole: (_model, content) =>
    content.kind === 'text'
      ? candidate([{ text: content.text }], googleFinish[content.finish])
      : content.kind === 'tool_call'
        ? candidate([functionCall], 'STOP')
        : { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: googleUsage },
  begin: () => '',
  piece: (text) => data(candidate([{ text }])),
  toolCall: () => data(candidate([functionCall])),
  end: (finish) => data(candidate(finish === 'refused' ? [] : [{ text: '' }], googleFinish[finish])),
  errorEvent: data({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }),
};
