import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { ChatStream } from '../../api/openai/chat/chat-stream.ts';
import { errorBody } from '../../server/http/errors.ts';
import { delta, result, started } from '../../testing/fake-tasks.ts';
import { TaskStream } from './task-stream.ts';

/** A server whose only answer is played by the test; nothing but comments comes by itself. */
async function played() {
  const stream = Promise.withResolvers<TaskStream>();
  const server = createServer((_request, response) => {
    const form = new ChatStream({ taskId: 'task-1', createdUnixSeconds: 1, includeUsage: false });
    const headersOf = (): readonly string[] => [];
    stream.resolve(
      new TaskStream(response, { taskId: 'task-1', form, headersOf, errorBody, onGivenUp: () => {}, keepAliveMs: 5 }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    stream: stream.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const done = result({ taskId: 'task-1', type: 'text_gen', client: 'a', input: 'x' }, { output: 'Hi' });

async function textOf(chunks: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = '';
  for await (const { choices } of chunks) text += choices[0]?.delta.content ?? '';
  return text;
}

test('a silence after the headers is broken by comments, before, within and never after the answer', async () => {
  await using server = await played();
  const answer = fetch(server.url);
  const stream = await server.stream;
  stream.take(started);
  const reader = (await answer).body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) throw new Error('no body');
  let said = '';
  const until = async (what: RegExp): Promise<void> => {
    while (!what.test(said)) {
      const { value, done: isOver } = await reader.read();
      if (isOver) throw new Error(`ended with ${said}`);
      said += value;
    }
  };
  await until(/^(: keep-alive\n\n){2,}/);
  stream.take(delta('Hi'));
  await until(/Hi[^\n]*\n\n(: keep-alive\n\n){2,}/);
  stream.end(done);
  await until(/data: \[DONE\]\n\n$/);
  expect((await reader.read()).done).toBe(true);
});

test('comments in a silence are nothing to the official library', async () => {
  await using server = await played();
  const commented = Promise.withResolvers<void>();
  const noting = new TransformStream<string, string>({
    transform(piece, to) {
      if (piece.includes(': keep-alive')) commented.resolve();
      to.enqueue(piece);
    },
  });
  const notingFetch: typeof fetch = async (target, init) => {
    const { body, headers } = await fetch(target, init);
    const noted = body?.pipeThrough(new TextDecoderStream()).pipeThrough(noting).pipeThrough(new TextEncoderStream());
    return new Response(noted ?? null, { headers });
  };
  const openai = new OpenAI({ baseURL: server.url, apiKey: 'unused', maxRetries: 0, fetch: notingFetch });
  const asked = openai.chat.completions.create({ model: 'auto', messages: [], stream: true });
  const stream = await server.stream;
  stream.take(started);
  const chunks = await asked;
  const read = textOf(chunks);
  await commented.promise;
  stream.take(delta('Hi'));
  stream.end(done);
  expect(await read).toBe('Hi');
});
