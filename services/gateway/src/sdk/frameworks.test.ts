import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { APICallError, generateText, jsonSchema, Output, streamText, tool, type ToolSet } from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  answers,
  breaksAfter,
  callsTool,
  delta,
  fails,
  hangs,
  midStreamFaults,
  started,
} from '../testing/fake-tasks.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

// Unmodified frameworks against /v1/chat/completions.

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
});

describe('@ai-sdk/openai-compatible', () => {
  const model = () =>
    createOpenAICompatible({
      name: 'will',
      baseURL: `${server.url}/v1`,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })('auto');
  const asked = () => ({ model: model(), prompt: 'ping', maxRetries: 0 });
  const weather = tool({
    description: 'the weather',
    inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }),
  });

  // Their types and exact optional properties do not agree.
  const tools = { weather } as unknown as ToolSet;

  test('a plain answer', async () => {
    const { text, usage, response } = await generateText(asked());
    expect(text).toBe('pong');
    expect(usage.totalTokens).toBe(10);
    expect(response.modelId).toBe('llama');
  });

  test('a streamed answer with its usage', async () => {
    const { textStream, usage } = streamText(asked());
    let text = '';
    for await (const piece of textStream) text += piece;
    expect(text).toBe('pong');
    expect((await usage).totalTokens).toBe(10);
  });

  test('a tool call, whole and streamed', async () => {
    server.tasks.script = callsTool('weather', { city: 'Oslo' });
    const call = { toolName: 'weather', toolCallId: 'c1', input: { city: 'Oslo' } };
    expect((await generateText({ ...asked(), tools })).toolCalls).toMatchObject([call]);
    expect(await streamText({ ...asked(), tools }).toolCalls).toMatchObject([call]);
  });

  test('an object by a JSON schema', async () => {
    server.tasks.script = answers('{"ok":true}');
    const { output } = await generateText({
      ...asked(),
      output: Output.object({ schema: z.object({ ok: z.boolean() }) }),
    });
    expect(output).toEqual({ ok: true });
    expect(server.tasks.requests[0]?.needs).toEqual(['json_schema']);
  });

  test('an error is APICallError with the message and the status', async () => {
    server.tasks.script = fails('blocked', 'because');
    const error = await generateText(asked()).catch((thrown: unknown) => thrown);
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 403, message: 'because' });
  });

  test.each([...midStreamFaults])('a stream that ends as %s has an error part, and no good end', async (code) => {
    server.tasks.script = breaksAfter('half', code, 'because');
    const { stream } = streamText({ ...asked(), onError: () => {} });
    const parts = [];
    for await (const part of stream) parts.push(part);
    const error = parts.find((part) => part.type === 'error');
    expect(JSON.stringify(error?.error) + String(error?.error)).toContain('because');
    expect(parts.filter((part) => part.type === 'finish').map(({ finishReason }) => finishReason)).not.toContain(
      'stop',
    );
  });

  test('aborting cancels the task', async () => {
    const script = hangs();
    server.tasks.script = script;
    const abort = new AbortController();
    const answer = generateText({ ...asked(), abortSignal: abort.signal });
    await script.begun;
    abort.abort();
    await expect(answer).rejects.toThrow('abort');
    await script.cancelled;
  });
});

describe('@langchain/openai', () => {
  const model = (more: ConstructorParameters<typeof ChatOpenAI>[0] & object = {}) =>
    new ChatOpenAI({
      model: 'auto',
      apiKey: 'unused',
      maxRetries: 0,
      configuration: { baseURL: `${server.url}/v1` },
      ...more,
    });
  const ask = [new HumanMessage('ping')];

  test.each([false, true])('a plain answer (responses API: %s)', async (useResponsesApi) => {
    const answer = await model({ useResponsesApi }).invoke(ask);
    expect(answer.text).toBe('pong');
    expect(answer.usage_metadata).toMatchObject({ total_tokens: 10 });
  });

  test.each([false, true])('a streamed answer (responses API: %s)', async (useResponsesApi) => {
    let text = '';
    for await (const chunk of await model({ useResponsesApi }).stream(ask)) text += chunk.text;
    expect(text).toBe('pong');
  });

  test('a tool call', async () => {
    server.tasks.script = callsTool('weather', { city: 'Oslo' });
    const weather = langchainTool(() => 'rain', {
      name: 'weather',
      description: 'the weather',
      schema: z.object({ city: z.string() }),
    });
    const answer = await model().bindTools([weather]).invoke(ask);
    expect(answer.tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Oslo' }, id: 'c1' }]);
  });

  test('an object by a JSON schema', async () => {
    server.tasks.script = answers('{"ok":true}');
    const answer = await model()
      .withStructuredOutput(z.object({ ok: z.boolean() }), { method: 'jsonSchema' })
      .invoke(ask);
    expect(answer).toEqual({ ok: true });
    expect(server.tasks.requests[0]?.needs).toEqual(['json_schema']);
  });

  test('an error is thrown with its status', async () => {
    server.tasks.script = fails('blocked', 'because');
    await expect(model().invoke(ask)).rejects.toMatchObject({ status: 403 });
  });

  test.each([...midStreamFaults])('a stream that ends as %s throws', async (code) => {
    server.tasks.script = breaksAfter('half', code, 'because');
    let text = '';
    const read = async (): Promise<void> => {
      for await (const chunk of await model().stream(ask)) text += chunk.text;
    };
    await expect(read()).rejects.toThrow('because');
    expect(text).toBe('half');
  });

  test('aborting cancels the task', async () => {
    const script = hangs([started, delta('first')]);
    server.tasks.script = script;
    const abort = new AbortController();
    const read = async (): Promise<void> => {
      for await (const _chunk of await model().stream(ask, { signal: abort.signal })) abort.abort();
    };
    await expect(read()).rejects.toThrow(/abort/i);
    await script.cancelled;
  });
});
