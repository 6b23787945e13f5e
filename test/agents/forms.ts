import { type Conversation, type OfferedTool, type Reply, sealOf, type Turn } from './scripted-model.ts';

type Fields = Readonly<Record<string, unknown>>;

/** How one vendor reads requests and writes streamed answers. It refuses what the vendor is known to refuse. */
export interface VendorForm {
  readonly name: string;
  isAt(path: string): boolean;
  /** @throws {Error} a vendor would answer 400 */
  read(body: Fields): Conversation;
  write(reply: Reply, model: string, usage: ReplyUsage): string;
}

export interface ReplyUsage {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const words = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : list(value)
        .map((part) => String(part['text'] ?? ''))
        .join('\n');
const must = (holds: boolean, why: string): void => {
  if (!holds) throw new Error(why);
};

function offered(name: unknown, schema: unknown): OfferedTool {
  const { properties, required } = fields(schema);
  const known = Object.entries(fields(properties));
  return {
    name: String(name),
    parameters: known.map(([key]) => key),
    required: Array.isArray(required) ? required.map(String) : [],
    types: Object.fromEntries(
      known.map(([key, value]) => [key, String(fields(value)['type'] ?? 'string').toLowerCase()]),
    ),
  };
}

/** Of the last turn. */
function resultsOf(turns: readonly Turn[]): string[] {
  const last = turns.at(-1);
  if (!last) throw new Error('a result answers no call');
  return last.results as string[];
}

const idOf = (turn: string, index: number): string => `${turn}_${index}`;
let answers = 0;

/** OpenAI's chat completions, with the reasoning of the many who copied them. */
export const chatForm: VendorForm = {
  name: 'chat',
  isAt: (path) => path.endsWith('/chat/completions'),
  read(body) {
    must(!JSON.stringify(body).includes('"cache_control"'), 'Unknown name "cache_control"');
    const turns: Turn[] = [];
    const open = new Map<string, number>();
    let said = '';
    for (const message of list(body['messages'])) {
      if (message['role'] === 'user') said += `${words(message['content'])}\n`;
      const calls = list(message['tool_calls']);
      if (message['role'] === 'assistant') {
        must(open.size === 0, 'An assistant message with tool_calls must be followed by tool messages');
        for (const call of calls) open.set(String(call['id']), turns.length);
        if (calls.length > 0)
          turns.push({ calls: calls.length, results: [], seal: message['reasoning_content'] as string | undefined });
      }
      if (message['role'] === 'tool') {
        must(open.delete(String(message['tool_call_id'])), 'a tool message answers no call');
        resultsOf(turns).push(words(message['content']));
      }
    }
    const tools = list(body['tools']).map((tool) =>
      offered(fields(tool['function'])['name'], fields(tool['function'])['parameters']),
    );
    return { tools, turns, said };
  },
  write(reply, model, usage) {
    answers += 1;
    const turn = `call_${answers}`;
    const chunk = (delta: object, finish: string | null = null): string =>
      `data: ${JSON.stringify({ id: `chatcmpl-${answers}`, object: 'chat.completion.chunk', created: 1_800_000_000, model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    return [
      chunk({ role: 'assistant', content: '' }),
      ...(reply.reasoning === ''
        ? []
        : halves(reply.reasoning).map((reasoning_content) => chunk({ reasoning_content }))),
      ...halves(reply.text).map((content) => chunk({ content })),
      ...reply.calls.flatMap(({ name, arguments: given }, index) => [
        chunk({ tool_calls: [{ index, id: idOf(turn, index), type: 'function', function: { name, arguments: '' } }] }),
        ...halves(JSON.stringify(given)).map((piece) =>
          chunk({ tool_calls: [{ index, function: { arguments: piece } }] }),
        ),
      ]),
      chunk({}, reply.calls.length > 0 ? 'tool_calls' : 'stop'),
      `data: ${JSON.stringify({ id: `chatcmpl-${answers}`, object: 'chat.completion.chunk', model, choices: [], usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.input + usage.output, prompt_tokens_details: { cached_tokens: usage.cached } } })}\n\n`,
      'data: [DONE]\n\n',
    ].join('');
  },
};

const halves = (text: string): readonly string[] =>
  text === ''
    ? []
    : [text.slice(0, Math.ceil(text.length / 2)), text.slice(Math.ceil(text.length / 2))].filter(
        (piece) => piece !== '',
      );

const named = (event: Fields): string => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`;

/** Anthropic's messages: reasoning that was signed must come back before the calls of its turn, as it was. */
export const anthropicForm: VendorForm = {
  name: 'anthropic',
  isAt: (path) => path.endsWith('/messages'),
  read(body) {
    must(
      (JSON.stringify(body).match(/"cache_control"/g) ?? []).length <= 4,
      'A maximum of 4 blocks with cache_control may be provided',
    );
    const turns: Turn[] = [];
    const open = new Set<string>();
    let said = '';
    for (const { role, content } of list(body['messages'])) {
      const blocks = typeof content === 'string' ? [{ type: 'text', text: content } as Fields] : list(content);
      if (role === 'assistant') {
        const calls = blocks.filter(({ type }) => type === 'tool_use');
        for (const { id } of calls) {
          must(
            /^[a-zA-Z0-9_-]+$/.test(String(id)),
            `tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$': ${String(id)}`,
          );
          open.add(String(id));
        }
        const thought = blocks.find(({ type }) => type === 'thinking');
        if (thought) must(blocks[0] === thought, 'thinking must be the first block');
        if (thought)
          must(thought['signature'] === sealOf(turns.length), 'messages: Invalid `signature` in `thinking` block');
        if (calls.length > 0)
          turns.push({ calls: calls.length, results: [], seal: thought?.['signature'] as string | undefined });
      } else {
        for (const block of blocks) {
          if (block['type'] === 'tool_result') {
            must(open.delete(String(block['tool_use_id'])), 'unexpected `tool_use_id` found in `tool_result` blocks');
            resultsOf(turns).push(words(block['content']));
          } else said += `${String(block['text'] ?? '')}\n`;
        }
        must(open.size === 0, '`tool_use` ids were found without `tool_result` blocks immediately after');
      }
    }
    return { tools: list(body['tools']).map(({ name, input_schema }) => offered(name, input_schema)), turns, said };
  },
  write(reply, model, usage) {
    answers += 1;
    const turn = `toolu_${answers}`;
    const given = {
      input_tokens: usage.input - usage.cached,
      cache_read_input_tokens: usage.cached,
      cache_creation_input_tokens: 0,
    };
    const blocks: string[] = [];
    const block = (content_block: object, deltas: readonly object[]): void => {
      const index = blocks.length;
      blocks.push(
        [
          named({ type: 'content_block_start', index, content_block }),
          ...deltas.map((delta) => named({ type: 'content_block_delta', index, delta })),
          named({ type: 'content_block_stop', index }),
        ].join(''),
      );
    };
    if (reply.reasoning !== '')
      block({ type: 'thinking', thinking: '', signature: '' }, [
        ...halves(reply.reasoning).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: reply.seal },
      ]);
    if (reply.text !== '')
      block(
        { type: 'text', text: '' },
        halves(reply.text).map((text) => ({ type: 'text_delta', text })),
      );
    for (const [index, call] of reply.calls.entries())
      block(
        { type: 'tool_use', id: idOf(turn, index), name: call.name, input: {} },
        halves(JSON.stringify(call.arguments)).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      );
    return [
      named({
        type: 'message_start',
        message: {
          id: `msg_${answers}`,
          type: 'message',
          role: 'assistant',
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...given, output_tokens: 1 },
        },
      }),
      ...blocks,
      named({
        type: 'message_delta',
        delta: { stop_reason: reply.calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null },
        usage: { output_tokens: usage.output },
      }),
      named({ type: 'message_stop' }),
    ].join('');
  },
};

/** OpenAI's responses: encrypted reasoning may come back, and then as it was. */
export const responsesForm: VendorForm = {
  name: 'responses',
  isAt: (path) => path.endsWith('/responses'),
  read(body) {
    const turns: Turn[] = [];
    const open = new Set<string>();
    let said = '';
    let seal: string | undefined;
    let isInCalls = false;
    for (const item of list(body['input'])) {
      const type = item['type'] ?? 'message';
      if (type === 'reasoning') {
        seal = item['encrypted_content'] as string;
        must(seal === sealOf(turns.length), 'The encrypted content could not be verified');
      }
      if (type === 'message' && item['role'] === 'user') said += `${words(item['content'])}\n`;
      if (type === 'function_call') {
        if (!isInCalls) turns.push({ calls: 0, results: [], seal });
        (turns.at(-1) as { calls: number }).calls += 1;
        open.add(String(item['call_id']));
        seal = undefined;
      }
      if (type === 'function_call_output') {
        must(open.delete(String(item['call_id'])), 'No tool call found for function call output');
        resultsOf(turns).push(words(item['output']));
      }
      isInCalls = type === 'function_call';
    }
    must(open.size === 0, 'No tool output found for function call');
    return { tools: list(body['tools']).map(({ name, parameters }) => offered(name, parameters)), turns, said };
  },
  write(reply, model, usage) {
    answers += 1;
    const turn = `call_${answers}`;
    const items: object[] = [];
    const events: string[] = [];
    const item = (added: Fields, done: Fields, between: readonly Fields[]): void => {
      const output_index = items.length;
      items.push(done);
      events.push(named({ type: 'response.output_item.added', output_index, item: added }));
      events.push(...between.map((event) => named({ output_index, item_id: added['id'], type: '', ...event })));
      events.push(named({ type: 'response.output_item.done', output_index, item: done }));
    };
    if (reply.reasoning !== '') {
      const thought = {
        type: 'reasoning',
        id: `rs_${answers}`,
        summary: [{ type: 'summary_text', text: reply.reasoning }],
        encrypted_content: reply.seal,
      };
      item({ ...thought, summary: [], encrypted_content: '' }, thought, [
        { type: 'response.reasoning_summary_part.added', summary_index: 0, part: { type: 'summary_text', text: '' } },
        ...halves(reply.reasoning).map((delta) => ({
          type: 'response.reasoning_summary_text.delta',
          summary_index: 0,
          delta,
        })),
      ]);
    }
    if (reply.text !== '' || reply.calls.length === 0) {
      const message = {
        type: 'message',
        id: `msg_${answers}`,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: reply.text, annotations: [] }],
      };
      item(
        { ...message, status: 'in_progress', content: [] },
        message,
        halves(reply.text).map((delta) => ({ type: 'response.output_text.delta', content_index: 0, delta })),
      );
    }
    for (const [index, call] of reply.calls.entries()) {
      const called = {
        type: 'function_call',
        id: `fc_${answers}_${index}`,
        call_id: idOf(turn, index),
        name: call.name,
        arguments: JSON.stringify(call.arguments),
        status: 'completed',
      };
      item(
        { ...called, arguments: '', status: 'in_progress' },
        called,
        halves(called.arguments).map((delta) => ({ type: 'response.function_call_arguments.delta', delta })),
      );
    }
    const response = (status: string, output: readonly object[]): object => ({
      id: `resp_${answers}`,
      object: 'response',
      created_at: 1_800_000_000,
      status,
      error: null,
      incomplete_details: null,
      model,
      output,
      ...(status === 'completed' && {
        usage: {
          input_tokens: usage.input,
          input_tokens_details: { cached_tokens: usage.cached },
          output_tokens: usage.output,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: usage.input + usage.output,
        },
      }),
    });
    return [
      named({ type: 'response.created', response: response('in_progress', []) }),
      ...events,
      named({ type: 'response.completed', response: response('completed', items) }),
    ].join('');
  },
};

/** Google's models: a signature stands on the first call of a turn and must come back there. */
export const googleForm: VendorForm = {
  name: 'google',
  isAt: (path) => /:(streamG|g)enerateContent/.test(path),
  read(body) {
    const turns: Turn[] = [];
    let said = '';
    for (const { role, parts } of list(body['contents'])) {
      const calls = list(parts).filter((part) => part['functionCall']);
      if (role === 'model' && calls.length > 0) {
        const seal = calls[0]?.['thoughtSignature'] as string | undefined;
        if (seal !== undefined) must(seal === sealOf(turns.length), 'Thought signature is not valid');
        turns.push({ calls: calls.length, results: [], seal });
      }
      if (role !== 'user') continue;
      for (const part of list(parts)) {
        if (part['functionResponse'])
          resultsOf(turns).push(JSON.stringify(fields(part['functionResponse'])['response']));
        else said += `${String(part['text'] ?? '')}\n`;
      }
    }
    const tools = list(body['tools'])
      .flatMap(({ functionDeclarations }) => list(functionDeclarations))
      .map((tool) => offered(tool['name'], tool['parameters'] ?? tool['parametersJsonSchema']));
    return { tools, turns, said };
  },
  write(reply, model, usage) {
    const data = (parts: readonly object[], finishReason?: string): string =>
      `data: ${JSON.stringify({ candidates: [{ content: { role: 'model', parts }, ...(finishReason && { finishReason }), index: 0 }], usageMetadata: { promptTokenCount: usage.input, cachedContentTokenCount: usage.cached, candidatesTokenCount: usage.output, totalTokenCount: usage.input + usage.output }, modelVersion: model })}\r\n\r\n`;
    return [
      ...(reply.reasoning === '' ? [] : [data([{ text: reply.reasoning, thought: true }])]),
      ...halves(reply.text).map((text) => data([{ text }])),
      ...(reply.calls.length === 0
        ? []
        : [
            data(
              reply.calls.map(({ name, arguments: args }, index) => ({
                functionCall: { name, args },
                ...(index === 0 && { thoughtSignature: reply.seal }),
              })),
            ),
          ]),
      data([{ text: '' }], 'STOP'),
    ].join('');
  },
};

export const vendorForms: readonly VendorForm[] = [chatForm, anthropicForm, responsesForm, googleForm];
