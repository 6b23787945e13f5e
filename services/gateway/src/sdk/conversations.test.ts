import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import {
  type AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, jsonSchema, type LanguageModel, stepCountIs, streamText, tool, type ToolSet } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { chatOf, delta, result, type Script, started } from '../testing/fake-tasks.ts';
import { shownIn, weatherModel, wholeConversation } from '../testing/weather-model.ts';

// Unmodified clients, each in every dialect that it speaks: a question, a call of a tool, its result, an answer that was
// thought about, and a second question with the whole conversation before it.

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.requests.length = 0;
  server.tasks.script = weatherModel;
});

const [first, second] = ['How is the weather in Oslo?', 'Again?'];
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } }, additionalProperties: false };

/** Runs both turns and gives the texts of both answers. */
type Conversation = (isStreamed: boolean) => Promise<readonly string[]>;

const openai = () => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'unused', maxRetries: 0 });

const byChat: Conversation = async (isStreamed) => {
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: first }];
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }];
  const ask = async (): Promise<OpenAI.ChatCompletionMessage> => {
    const asked = { model: 'auto', messages, tools };
    const answer = isStreamed
      ? await openai().chat.completions.stream(asked).finalChatCompletion()
      : await openai().chat.completions.create(asked);
    const [choice] = answer.choices;
    if (!choice) throw new Error('no choice');
    messages.push(choice.message);
    return choice.message;
  };
  const { tool_calls: [call] = [] } = await ask();
  messages.push({ role: 'tool', tool_call_id: call?.id ?? '', content: 'rain' });
  const { content: one } = await ask();
  messages.push({ role: 'user', content: second });
  return [one ?? '', (await ask()).content ?? ''];
};

const byResponses: Conversation = async (isStreamed) => {
  const input: OpenAI.Responses.ResponseInputItem[] = [{ role: 'user', content: first }];
  const tools = [{ type: 'function' as const, name: 'weather', parameters, strict: false }];
  const ask = async (): Promise<OpenAI.Responses.Response> => {
    const asked = { model: 'auto', input, tools };
    const answer = isStreamed
      ? await openai().responses.stream(asked).finalResponse()
      : await openai().responses.create(asked);
    input.push(...(answer.output as OpenAI.Responses.ResponseInputItem[]));
    return answer;
  };
  const { output } = await ask();
  const call = output.find((item) => item.type === 'function_call');
  input.push({ type: 'function_call_output', call_id: call?.call_id ?? '', output: 'rain' });
  const one = await ask();
  input.push({ role: 'user', content: second });
  return [one.output_text, (await ask()).output_text];
};

const byMessages: Conversation = async (isStreamed) => {
  const anthropic = new Anthropic({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: first }];
  const tools = [{ name: 'weather', input_schema: parameters }];
  const ask = async (): Promise<Anthropic.Message> => {
    const asked = { model: 'auto', max_tokens: 99, messages, tools };
    const answer = isStreamed
      ? await anthropic.messages.stream(asked).finalMessage()
      : await anthropic.messages.create(asked);
    messages.push({ role: 'assistant', content: answer.content as Anthropic.ContentBlockParam[] });
    return answer;
  };
  const text = ({ content }: Anthropic.Message) =>
    content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const call = (await ask()).content.find((block) => block.type === 'tool_use');
  messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: 'rain' }] });
  const one = await ask();
  messages.push({ role: 'user', content: second });
  return [text(one), text(await ask())];
};

/** The AI SDK runs the tool itself, and keeps what it was answered as it came. */
const byAiSdk =
  (languageModel: () => LanguageModel, providerOptions: Record<string, { store: boolean }> = {}): Conversation =>
  async (isStreamed) => {
    // Their types and exact optional properties do not agree.
    const tools = {
      weather: tool({ inputSchema: jsonSchema<{ city: string }>(parameters), execute: () => Promise.resolve('rain') }),
    } as unknown as ToolSet;
    const asked = { model: languageModel(), tools, stopWhen: stepCountIs(3), maxRetries: 0, providerOptions };
    const ask = async (messages: Parameters<typeof generateText>[0]['messages'] & object) => {
      const options = { ...asked, messages };
      if (!isStreamed) return await generateText(options);
      const streamed = streamText({ ...options, onError: () => {} });
      return { text: await streamed.text, responseMessages: await streamed.responseMessages };
    };
    const question = [{ role: 'user' as const, content: first }];
    const one = await ask(question);
    const two = await ask([...question, ...one.responseMessages, { role: 'user', content: second }]);
    return [one.text, two.text];
  };

const byLangChain =
  (useResponsesApi: boolean): Conversation =>
  async (isStreamed) => {
    const chat = new ChatOpenAI({
      model: 'auto',
      apiKey: 'unused',
      maxRetries: 0,
      useResponsesApi,
      configuration: { baseURL: `${server.url}/v1` },
    }).bindTools([{ type: 'function', function: { name: 'weather', description: 'the weather', parameters } }]);
    const messages: BaseMessage[] = [new HumanMessage(first)];
    const ask = async (): Promise<AIMessage | AIMessageChunk> => {
      let answer: AIMessageChunk | undefined;
      if (isStreamed)
        for await (const chunk of await chat.stream(messages)) answer = answer ? answer.concat(chunk) : chunk;
      else answer = await chat.invoke(messages);
      if (!answer) throw new Error('no answer');
      messages.push(answer);
      return answer;
    };
    const { tool_calls: [call] = [] } = await ask();
    messages.push(new ToolMessage({ content: 'rain', tool_call_id: call?.id ?? '' }));
    const one = await ask();
    messages.push(new HumanMessage(second));
    return [one.text, (await ask()).text];
  };

const baseURL = () => `${server.url}/v1`;
const aiSdkOpenAI = () => createOpenAI({ baseURL: baseURL(), apiKey: 'unused' });
const notStored = { openai: { store: false } };

const conversations: Readonly<Record<string, Conversation>> = {
  'openai, /v1/chat/completions': byChat,
  'openai, /v1/responses': byResponses,
  '@anthropic-ai/sdk, /v1/messages': byMessages,
  '@ai-sdk/openai, /v1/chat/completions': byAiSdk(() => aiSdkOpenAI().chat('auto')),
  '@ai-sdk/openai, /v1/responses': byAiSdk(() => aiSdkOpenAI().responses('auto'), notStored),
  '@ai-sdk/anthropic, /v1/messages': byAiSdk(() => createAnthropic({ baseURL: baseURL(), apiKey: 'unused' })('auto')),
  '@ai-sdk/openai-compatible, /v1/chat/completions': byAiSdk(() =>
    createOpenAICompatible({ name: 'will', baseURL: baseURL(), includeUsage: true })('auto'),
  ),
  '@langchain/openai, /v1/chat/completions': byLangChain(false),
  '@langchain/openai, /v1/responses': byLangChain(true),
};

describe.each(Object.entries(conversations))('%s', (_client, conversation) => {
  test.each([false, true])('holds a conversation of two turns with a tool (streamed: %s)', async (isStreamed) => {
    expect(await conversation(isStreamed)).toEqual(['Rain.', 'Still rain.']);
    expect(shownIn(server.tasks.requests.at(-1))).toEqual(wholeConversation);
  });
});

describe('@ai-sdk/openai, /v1/responses, as it is by itself', () => {
  const asIs = byAiSdk(() => aiSdkOpenAI().responses('auto'));

  test.each([false, true])('refers to items of answers, and they are known (streamed: %s)', async (isStreamed) => {
    expect(await asIs(isStreamed)).toEqual(['Rain.', 'Still rain.']);
    expect(shownIn(server.tasks.requests.at(-1))).toEqual(wholeConversation);
  });

  test('is told what to do where it refers to an item that is not there', async () => {
    const last = await fetch(`${server.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', input: [{ type: 'item_reference', id: 'msg_0_1' }] }),
    });
    expect([last.status, await last.text()]).toEqual([400, expect.stringContaining('store: false')]);
  });
});

describe('a refusal', () => {
  /** Refuses in two pieces. */
  const refuses: Script = (request, isStreamed, onPart) => {
    if (isStreamed) {
      onPart(started);
      for (const refusal of ['I can', 'not.']) onPart(delta('', { refusal }));
    }
    return result(request, { refusal: 'I cannot.' });
  };
  beforeEach(() => void (server.tasks.script = refuses));
  const asked = { model: 'auto', messages: [{ role: 'user' as const, content: 'How?' }] };
  const anthropic = () => new Anthropic({ baseURL: server.url, apiKey: 'unused', maxRetries: 0 });
  const whatCame = { content: null, refusal: 'I cannot.' };

  test('is one to openai by chat, whole and streamed, and its next turn shows it to the model', async () => {
    const whole = await openai().chat.completions.create(asked);
    const streamed = await openai().chat.completions.stream(asked).finalChatCompletion();
    for (const { choices } of [whole, streamed])
      expect(choices[0]).toMatchObject({ message: whatCame, finish_reason: 'stop' });
    const [choice] = whole.choices;
    if (!choice) throw new Error('no choice');
    await openai().chat.completions.create({ ...asked, messages: [...asked.messages, choice.message] });
    expect(chatOf(server.tasks.requests.at(-1)).messages.at(-1)).toMatchObject({
      role: 'assistant',
      refusal: 'I cannot.',
    });
  });

  test('ends a text that it cuts off as filtered', async () => {
    server.tasks.script = (request, isStreamed, onPart) => {
      if (isStreamed) for (const part of [started, delta('Well'), delta('', { refusal: 'No.' })]) onPart(part);
      return result(request, { output: 'Well', refusal: 'No.', finish: 'content_filter' });
    };
    const whole = await openai().chat.completions.create(asked);
    const chunks = await openai().chat.completions.create({ ...asked, stream: true });
    let last: string | null | undefined;
    for await (const { choices } of chunks) last = choices[0]?.finish_reason ?? last;
    expect([whole.choices[0]?.finish_reason, last]).toEqual(['content_filter', 'content_filter']);
    expect(whole.choices[0]?.message).toMatchObject({ content: 'Well', refusal: 'No.' });
    expect(await openai().responses.create({ model: 'auto', input: 'How?' })).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
    });
  });

  test('is a part of its own to openai by responses, whole and streamed', async () => {
    const question = { model: 'auto', input: 'How?' };
    const whole = await openai().responses.create(question);
    const stream = openai().responses.stream(question);
    const pieces: string[] = [];
    stream.on('response.refusal.delta', ({ delta: piece }) => pieces.push(piece));
    const streamed = await stream.finalResponse();
    for (const { output, output_text: text, status } of [whole, streamed]) {
      expect(output).toMatchObject([{ type: 'message', content: [{ type: 'refusal', refusal: 'I cannot.' }] }]);
      expect([text, status]).toEqual(['', 'completed']);
    }
    expect(pieces.join('')).toBe('I cannot.');
    const again = whole.output as OpenAI.Responses.ResponseInputItem[];
    await openai().responses.create({ model: 'auto', input: again });
    expect(JSON.stringify(chatOf(server.tasks.requests.at(-1)).messages)).toContain('I cannot.');
  });

  test('stops for that reason to Anthropic’s library, whole and streamed', async () => {
    const question = { ...asked, max_tokens: 99 };
    const whole = await anthropic().messages.create(question);
    const streamed = await anthropic().messages.stream(question).finalMessage();
    for (const message of [whole, streamed])
      expect(message).toMatchObject({ stop_reason: 'refusal', content: [{ type: 'text', text: 'I cannot.' }] });
  });

  test('ends the AI SDK’s answer as filtered by Anthropic’s dialect', async () => {
    const model = createAnthropic({ baseURL: baseURL(), apiKey: 'unused' })('auto');
    expect(await generateText({ model, prompt: 'How?', maxRetries: 0 })).toMatchObject({
      text: 'I cannot.',
      finishReason: 'content-filter',
    });
  });
});
