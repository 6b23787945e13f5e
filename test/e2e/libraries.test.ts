import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { APICallError, embedMany, generateText, jsonSchema, Output, streamText, tool, type ToolSet } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';

// Vendors' own libraries, unmodified, against the running product: each thing that each of them can ask.

let upstream: ReplayingUpstream;
let system: System;

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  const model = modelDocument({ name: 'cloud', tags: 'text_gen, embedding', endpoint: `${upstream.url}/v1` });
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        `${model}\ncapabilities: [tools, json_schema]`,
        routeDocument('text_gen', 'cloud'),
      ),
    },
    counts: { gateway: 1 },
  });
  await system.untilServed('cloud');
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});
beforeEach(() => {
  upstream.script('cloud', { kind: 'answer' });
  upstream.clear();
});

const messages = [{ role: 'user' as const, content: 'Hello' }];
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } } };
const [name, city] = ['get_weather', { city: 'Paris' }];
const schema = { type: 'object' as const, properties: { ok: { type: 'boolean' } }, required: ['ok'] };

const openai = () => new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });
const anthropic = () => new Anthropic({ baseURL: system.httpUrl, apiKey: 'none', maxRetries: 0 });
const compatible = () =>
  createOpenAICompatible({ name: 'will', baseURL: `${system.httpUrl}/v1`, supportsStructuredOutputs: true });
const langchain = (useResponsesApi = false, model = 'text_gen') =>
  new ChatOpenAI({
    model,
    apiKey: 'none',
    maxRetries: 0,
    useResponsesApi,
    configuration: { baseURL: `${system.httpUrl}/v1` },
  });
const ask = [new HumanMessage('Hello')];
const langchainTool = { type: 'function' as const, function: { name, description: 'the weather', parameters } };
// Their types and exact optional properties do not agree.
const tools = {
  [name]: tool({ description: 'the weather', inputSchema: jsonSchema<typeof city>(parameters) }),
} as unknown as ToolSet;
const chat = { model: 'text_gen', messages };
const chatTool = { type: 'function' as const, function: { name, parameters } };
const message = { ...chat, max_tokens: 50 };
const prompt = (model = 'text_gen') => ({ model: compatible()(model), messages, maxRetries: 0 });
const flatTool = { type: 'function' as const, name, parameters, strict: false };

async function joined(parts: AsyncIterable<string>): Promise<string> {
  let whole = '';
  for await (const part of parts) whole += part;
  return whole;
}

/** How each library asks for one thing, and what it makes of the answer. */
type Ways = Readonly<Record<string, () => Promise<unknown>>>;
/** Every library's way is run; all must come to the same. */
async function allSay(ways: Ways, expected: unknown): Promise<void> {
  for (const [library, way] of Object.entries(ways)) expect([library, await way()]).toEqual([library, expected]);
}

const text = 'The quick brown fox jumps over the lazy dog and runs away.';

test('a plain answer', async () => {
  await allSay(
    {
      'openai, chat': async () => (await openai().chat.completions.create(chat)).choices[0]?.message.content,
      'openai, responses': async () =>
        (await openai().responses.create({ model: 'text_gen', input: 'Hello' })).output_text,
      anthropic: async () =>
        (await anthropic().messages.create(message)).content
          .map((part) => (part.type === 'text' ? part.text : ''))
          .join(''),
      'the AI SDK': async () => (await generateText(prompt())).text,
      LangChain: async () => (await langchain().invoke(ask)).text,
      'LangChain, responses': async () => (await langchain(true).invoke(ask)).text,
    },
    text,
  );
});

test('a streamed answer', async () => {
  await allSay(
    {
      'openai, chat': async () => openai().chat.completions.stream(chat).finalContent(),
      'openai, responses': async () =>
        (await openai().responses.stream({ model: 'text_gen', input: 'Hello' }).finalResponse()).output_text,
      anthropic: async () => anthropic().messages.stream(message).finalText(),
      'the AI SDK': async () => joined(streamText(prompt()).textStream),
      LangChain: async () => joined(textOf(await langchain().stream(ask))),
      'LangChain, responses': async () => joined(textOf(await langchain(true).stream(ask))),
    },
    text,
  );
});

async function* textOf(chunks: AsyncIterable<{ readonly text: string }>): AsyncIterable<string> {
  for await (const chunk of chunks) yield chunk.text;
}

test('a tool call, whole and streamed', async () => {
  upstream.script('cloud', { kind: 'tool_call' });
  const ofChat = (answer: OpenAI.ChatCompletion) => {
    const [call] = answer.choices[0]?.message.tool_calls ?? [];
    return call?.type === 'function' ? [call.function.name, JSON.parse(call.function.arguments)] : [];
  };
  const ofResponse = ({ output }: { readonly output: readonly OpenAI.Responses.ResponseOutputItem[] }) =>
    output.flatMap((item) => (item.type === 'function_call' ? [item.name, JSON.parse(item.arguments)] : []));
  const ofMessage = ({ content }: Anthropic.Message) =>
    content.flatMap((part) => (part.type === 'tool_use' ? [part.name, part.input] : []));
  const response = { model: 'text_gen', input: 'Hello', tools: [flatTool] };
  const asMessage = { ...message, tools: [{ name, input_schema: parameters }] };
  const bound = (useResponsesApi: boolean) => langchain(useResponsesApi).bindTools([langchainTool]);
  const ofLangChain = ({ tool_calls: calls = [] }: { tool_calls?: readonly { name: string; args: unknown }[] }) =>
    calls.flatMap((call) => [call.name, call.args]);
  const streamedByLangChain = async (useResponsesApi: boolean) => {
    let whole: Awaited<ReturnType<ReturnType<typeof bound>['invoke']>> | undefined;
    for await (const chunk of await bound(useResponsesApi).stream(ask))
      whole = whole ? (whole as typeof chunk).concat(chunk) : chunk;
    return ofLangChain(whole ?? {});
  };
  const ofSdk = (calls: readonly { readonly toolName: string; readonly input: unknown }[]) =>
    calls.flatMap((call) => [call.toolName, call.input]);
  await allSay(
    {
      'openai, chat': async () => ofChat(await openai().chat.completions.create({ ...chat, tools: [chatTool] })),
      'openai, chat, streamed': async () =>
        ofChat(
          await openai()
            .chat.completions.stream({ ...chat, tools: [chatTool] })
            .finalChatCompletion(),
        ),
      'openai, responses': async () => ofResponse(await openai().responses.create(response)),
      'openai, responses, streamed': async () => ofResponse(await openai().responses.stream(response).finalResponse()),
      anthropic: async () => ofMessage(await anthropic().messages.create(asMessage)),
      'anthropic, streamed': async () => ofMessage(await anthropic().messages.stream(asMessage).finalMessage()),
      'the AI SDK': async () => ofSdk((await generateText({ ...prompt(), tools })).toolCalls),
      'the AI SDK, streamed': async () => ofSdk(await streamText({ ...prompt(), tools }).toolCalls),
      LangChain: async () => ofLangChain(await bound(false).invoke(ask)),
      'LangChain, streamed': () => streamedByLangChain(false),
      'LangChain, responses': async () => ofLangChain(await bound(true).invoke(ask)),
      'LangChain, responses, streamed': () => streamedByLangChain(true),
    },
    [name, city],
  );
});

test('an answer by a JSON schema, which the model is given', async () => {
  upstream.script('cloud', { kind: 'answer', text: '{"ok":true}' });
  const format = { type: 'json_schema' as const, json_schema: { name: 'told', schema, strict: true } };
  await allSay(
    {
      'openai, chat': async () =>
        (await openai().chat.completions.parse({ ...chat, response_format: format })).choices[0]?.message.parsed,
      'openai, responses': async () =>
        (
          await openai().responses.parse({
            model: 'text_gen',
            input: 'Hello',
            text: { format: { type: 'json_schema', name: 'told', schema, strict: true } },
          })
        ).output_parsed,
      anthropic: async () => {
        const answer = await anthropic().messages.create({
          ...message,
          output_config: { format: { type: 'json_schema', schema } },
        });
        return answer.content.map((part) => (part.type === 'text' ? JSON.parse(part.text) : undefined))[0];
      },
      'the AI SDK': async () =>
        (await generateText({ ...prompt(), output: Output.object({ schema: jsonSchema(schema) }) })).output,
      LangChain: () => langchain().withStructuredOutput(schema, { name: 'told', method: 'jsonSchema' }).invoke(ask),
    },
    { ok: true },
  );
  for (const { body } of upstream.requests) expect(body['response_format']).toMatchObject({ type: 'json_schema' });
});

test('embeddings', async () => {
  const input = ['a', 'four'];
  const embeddings = new OpenAIEmbeddings({
    model: 'embedding',
    apiKey: 'none',
    maxRetries: 0,
    configuration: { baseURL: `${system.httpUrl}/v1` },
  });
  const ofEach = (vectors: readonly (readonly number[])[]) => vectors.map(([first]) => first);
  await allSay(
    {
      openai: async () =>
        ofEach(
          (await openai().embeddings.create({ model: 'embedding', input })).data.map(({ embedding }) => embedding),
        ),
      'the AI SDK': async () =>
        ofEach(
          (await embedMany({ model: compatible().embeddingModel('embedding'), values: input, maxRetries: 0 }))
            .embeddings,
        ),
      LangChain: async () => ofEach(await embeddings.embedDocuments(input)),
    },
    [1, 4],
  );
});

test('an error with its status', async () => {
  const status = async (asked: () => Promise<unknown>): Promise<unknown> => {
    const error = await asked().catch((thrown: unknown) => thrown);
    return APICallError.isInstance(error) ? error.statusCode : (error as { status?: number }).status;
  };
  const model = 'gpt-99';
  await allSay(
    {
      'openai, chat': () => status(async () => openai().chat.completions.create({ ...chat, model })),
      'openai, responses': () => status(async () => openai().responses.create({ model, input: 'Hello' })),
      anthropic: () => status(async () => anthropic().messages.create({ ...message, model })),
      'the AI SDK': () => status(async () => generateText(prompt(model))),
      LangChain: () => status(async () => langchain(false, model).invoke(ask)),
      'LangChain, responses': () => status(async () => langchain(true, model).invoke(ask)),
    },
    404,
  );
});

test('aborting ends the call at the provider', async () => {
  upstream.script('cloud', { kind: 'silent' });
  const aborted = async (asked: (signal: AbortSignal) => Promise<unknown>): Promise<string> => {
    const abort = new AbortController();
    const reached = upstream.nextRequest('cloud');
    const answer = asked(abort.signal).then(
      () => 'answered',
      (error: unknown) =>
        /abort/i.test(`${(error as Error).name} ${(error as Error).message}`) ? 'aborted' : String(error),
    );
    const seen = await reached;
    abort.abort();
    return `${await answer}, ${await seen.over}`;
  };
  await allSay(
    {
      'openai, chat': () => aborted(async (signal) => openai().chat.completions.create(chat, { signal })),
      'openai, responses': () =>
        aborted(async (signal) => openai().responses.create({ model: 'text_gen', input: 'Hello' }, { signal })),
      anthropic: () => aborted(async (signal) => anthropic().messages.create(message, { signal })),
      'the AI SDK': () => aborted(async (abortSignal) => generateText({ ...prompt(), abortSignal })),
      LangChain: () => aborted(async (signal) => langchain().invoke(ask, { signal })),
      'LangChain, responses': () => aborted(async (signal) => langchain(true).invoke(ask, { signal })),
    },
    'aborted, aborted',
  );
});
