/** An answer as a vendor is to write it. Fields may be whatever a vendor could get wrong. */
export interface LabContent {
  /** In pieces, as a stream has them. */
  readonly text?: readonly string[];
  readonly reasoning?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly input: object }[];
  /** The vendor's word; null: none is stated. */
  readonly finish: string | null;
  /** Tokens that went in and came out, in the vendor's two fields. */
  readonly usage?: readonly [input: unknown, output: unknown];
}

/** How one vendor writes answers of chats. */
export interface LabForm {
  readonly name: 'openai' | 'anthropic' | 'google' | 'responses';
  /** The provider that speaks to it, and the version in its address. */
  readonly provider: string;
  readonly version: string;
  /** Words for an end: a usual one, a length, a tool call. */
  readonly words: { readonly stop: string; readonly length: string; readonly toolCalls: string };
  whole(content: LabContent): object;
  events(content: LabContent): readonly object[];
  /** An event as text. */
  frame(event: object): string;
  /** What says that nothing more comes; '': its end says it. */
  readonly marker: string;
}

const data = (event: object): string => `data: ${json(event)}\n\n`;
const named = (event: object): string => `event: ${String((event as { type?: unknown } | null)?.type)}\n${data(event)}`;

/** JSON with numbers that JavaScript cannot hold: `@1e400@` stands for one. */
export const json = (value: unknown): string => JSON.stringify(value ?? null).replaceAll(/"@([^"@]+)@"/g, '$1');

const chunk = (delta: object, finish: string | null = null): object => ({
  id: 'chatcmpl-lab',
  object: 'chat.completion.chunk',
  created: 1_800_000_000,
  model: 'lab',
  choices: [{ index: 0, delta, finish_reason: finish }],
});

const openAiUsage = ([input, output]: readonly [unknown, unknown]): object => ({
  prompt_tokens: input,
  completion_tokens: output,
});

const openAi: LabForm = {
  name: 'openai',
  provider: 'openai-compatible',
  version: '/v1',
  words: { stop: 'stop', length: 'length', toolCalls: 'tool_calls' },
  whole: ({ text, reasoning, calls, finish, usage }) => ({
    id: 'chatcmpl-lab',
    object: 'chat.completion',
    created: 1_800_000_000,
    model: 'lab',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text ? text.join('') : null,
          ...(reasoning && { reasoning_content: reasoning }),
          ...(calls && {
            tool_calls: calls.map(({ id, name, input }) => ({
              id,
              type: 'function',
              function: { name, arguments: JSON.stringify(input) },
            })),
          }),
        },
        finish_reason: finish,
      },
    ],
    ...(usage && { usage: openAiUsage(usage) }),
  }),
  events: ({ text = [], reasoning, calls = [], finish, usage }) => [
    chunk({ role: 'assistant', content: '' }),
    ...(reasoning ? [chunk({ reasoning_content: reasoning })] : []),
    ...text.map((content) => chunk({ content })),
    ...calls.flatMap(({ id, name, input }, index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ...halves(JSON.stringify(input)).map((piece) =>
        chunk({ tool_calls: [{ index, function: { arguments: piece } }] }),
      ),
    ]),
    chunk({}, finish),
    ...(usage ? [{ ...chunk({}), choices: [], usage: openAiUsage(usage) }] : []),
  ],
  frame: data,
  marker: 'data: [DONE]\n\n',
};

const halves = (text: string): string[] => [
  text.slice(0, Math.ceil(text.length / 2)),
  text.slice(Math.ceil(text.length / 2)),
];

const anthropicUsage = ([input, output]: readonly [unknown, unknown]): object => ({
  input_tokens: input,
  output_tokens: output,
});

const anthropic: LabForm = {
  name: 'anthropic',
  provider: 'anthropic',
  version: '/v1',
  words: { stop: 'end_turn', length: 'max_tokens', toolCalls: 'tool_use' },
  whole: ({ text, reasoning, calls = [], finish, usage }) => ({
    id: 'msg_lab',
    type: 'message',
    role: 'assistant',
    model: 'lab',
    content: [
      ...(reasoning ? [{ type: 'thinking', thinking: reasoning, signature: 'sig' }] : []),
      ...(text ? [{ type: 'text', text: text.join('') }] : []),
      ...calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input })),
    ],
    stop_reason: finish,
    stop_sequence: null,
    ...(usage && { usage: anthropicUsage(usage) }),
  }),
  events: ({ text, reasoning, calls = [], finish, usage }) => {
    const blocks = [
      ...(reasoning
        ? [{ start: { type: 'thinking', thinking: '' }, deltas: [{ type: 'thinking_delta', thinking: reasoning }] }]
        : []),
      ...(text
        ? [{ start: { type: 'text', text: '' }, deltas: text.map((piece) => ({ type: 'text_delta', text: piece })) }]
        : []),
      ...calls.map(({ id, name, input }) => ({
        start: { type: 'tool_use', id, name, input: {} },
        deltas: halves(JSON.stringify(input)).map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
      })),
    ];
    return [
      {
        type: 'message_start',
        message: {
          id: 'msg_lab',
          role: 'assistant',
          content: [],
          ...(usage && { usage: anthropicUsage([usage[0], 1]) }),
        },
      },
      ...blocks.flatMap(({ start, deltas }, index) => [
        { type: 'content_block_start', index, content_block: start },
        ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
        { type: 'content_block_stop', index },
      ]),
      {
        type: 'message_delta',
        delta: { stop_reason: finish, stop_sequence: null },
        ...(usage && { usage: { output_tokens: usage[1] } }),
      },
    ];
  },
  frame: named,
  marker: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
};

const candidate = (parts: readonly object[], finish: string | null, usage?: readonly [unknown, unknown]): object => ({
  candidates: [{ content: { role: 'model', parts }, ...(finish !== null && { finishReason: finish }), index: 0 }],
  ...(usage && { usageMetadata: { promptTokenCount: usage[0], candidatesTokenCount: usage[1] } }),
  modelVersion: 'lab',
});

const googleParts = ({ text = [], reasoning, calls = [] }: LabContent): object[] => [
  ...(reasoning ? [{ text: reasoning, thought: true }] : []),
  ...text.map((piece) => ({ text: piece })),
  ...calls.map(({ id, name, input }) => ({ functionCall: { id, name, args: input } })),
];

const google: LabForm = {
  name: 'google',
  provider: 'google',
  version: '/v1beta',
  words: { stop: 'STOP', length: 'MAX_TOKENS', toolCalls: 'STOP' },
  whole: (content) => candidate(googleParts(content), content.finish, content.usage),
  events: (content) => [
    ...googleParts(content).map((part) => candidate([part], null)),
    candidate([{ text: '' }], content.finish, content.usage),
  ],
  frame: (event) => data(event).replaceAll('\n', '\r\n'),
  marker: '',
};

const responseOf = ({ finish, usage }: LabContent, output: readonly object[]): object => ({
  id: 'resp_lab',
  object: 'response',
  created_at: 1_800_000_000,
  status: finish === 'completed' ? 'completed' : 'incomplete',
  error: null,
  incomplete_details: finish === 'completed' ? null : { reason: finish },
  output,
  ...(usage && { usage: { input_tokens: usage[0], output_tokens: usage[1] } }),
});

const responseItems = ({ text, reasoning, calls = [] }: LabContent): object[] => [
  ...(reasoning ? [{ type: 'reasoning', id: 'rs', summary: [{ type: 'summary_text', text: reasoning }] }] : []),
  ...(text
    ? [{ type: 'message', id: 'm', role: 'assistant', content: [{ type: 'output_text', text: text.join('') }] }]
    : []),
  ...calls.map(({ id, name, input }) => ({
    type: 'function_call',
    id: `fc_${id}`,
    call_id: id,
    name,
    arguments: JSON.stringify(input),
  })),
];

const responses: LabForm = {
  name: 'responses',
  provider: 'openai',
  version: '/v1',
  words: { stop: 'completed', length: 'max_output_tokens', toolCalls: 'completed' },
  whole: (content) => responseOf(content, responseItems(content)),
  events: (content) => [
    { type: 'response.created', response: responseOf(content, []) },
    ...(content.reasoning
      ? [{ type: 'response.reasoning_summary_text.delta', output_index: 0, delta: content.reasoning }]
      : []),
    ...(content.text ?? []).map((delta) => ({ type: 'response.output_text.delta', output_index: 1, delta })),
    ...(content.calls ?? []).flatMap(({ id, name, input }, at) => {
      const item = { type: 'function_call', id: `fc_${id}`, call_id: id, name, arguments: JSON.stringify(input) };
      const event = { output_index: 2 + at, item_id: `fc_${id}` };
      return [
        { type: 'response.output_item.added', ...event, item: { ...item, arguments: '' } },
        ...halves(JSON.stringify(input)).map((delta) => ({
          type: 'response.function_call_arguments.delta',
          ...event,
          delta,
        })),
        { type: 'response.output_item.done', ...event, item },
      ];
    }),
  ],
  frame: named,
  marker: '',
};

/** Its last event is its marker. */
const responsesWithEnd: LabForm = {
  ...responses,
  events: (content) => [
    ...responses.events(content),
    {
      type: content.finish === 'completed' ? 'response.completed' : 'response.incomplete',
      response: responseOf(content, responseItems(content)),
    },
  ],
};

export const labForms: readonly LabForm[] = [openAi, anthropic, google, responsesWithEnd];
