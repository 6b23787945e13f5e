import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { connectClient, type TaskClient, TaskError } from '@will/client';
import { type Behaviour, type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { AISDKError, streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import type { ServiceName, ServiceProcess } from '../support/process.ts';
import { startSystem, type System } from '../support/system.ts';

// Every fault that can meet an answer after its first content, read by every library there is for our servers: each throws an
// error of its own kind, and none takes what came for a whole answer.

let upstream: ReplayingUpstream;
let system: System;
const clients: Partial<Record<string, TaskClient>> = {};

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  system = await startSystem({
    callers: ['acme'],
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        modelDocument({ name: 'broken', tags: 'broken', endpoint: `${upstream.url}/v1`, concurrency: 50 }),
        routeDocument('broken', 'broken'),
      ),
    },
    counts: { gateway: 1 },
  });
  clients['nats'] = await connectClient({ servers: system.nats.url, client: 'acme' });
  clients['grpc'] = await connectClient({ servers: `grpc://${system.grpcAddress}`, client: 'acme' });
});
afterAll(async () => {
  for (const client of Object.values(clients)) await client?.close();
  await system?.stop();
  await upstream?.close();
});

/** One way of a library to read a streamed answer. */
interface Reader {
  readonly library: string;
  /** Tells everything that came as text. Throws what the library throws; returns only where it took the answer for whole. */
  read(timeoutMs: number, heard: (piece: string) => void): Promise<void>;
  /** Whether an error is one that users of this library catch. */
  isItsOwn(error: unknown): boolean;
}

const messages = [{ role: 'user' as const, content: 'Hello' }];
const bounded = (timeoutMs: number) => ({ headers: { 'x-will-timeout-ms': String(timeoutMs) } });
const openai = () => new OpenAI({ baseURL: `${system.httpUrl}/v1`, apiKey: 'none', maxRetries: 0 });
const anthropic = () => new Anthropic({ baseURL: system.httpUrl, apiKey: 'none', maxRetries: 0 });
const ofOpenAI = (error: unknown): boolean => error instanceof OpenAI.OpenAIError;
const ofAnthropic = (error: unknown): boolean => error instanceof Anthropic.AnthropicError;

async function each(parts: AsyncIterable<unknown>, heard: (piece: string) => void): Promise<void> {
  for await (const part of parts) heard(JSON.stringify(part));
}

/** LangChain hands on the errors of the openai package. */
const langchain =
  (useResponsesApi: boolean): Reader['read'] =>
  async (timeoutMs, heard) => {
    const model = new ChatOpenAI({
      model: 'broken',
      apiKey: 'none',
      maxRetries: 0,
      useResponsesApi,
      configuration: { baseURL: `${system.httpUrl}/v1`, defaultHeaders: bounded(timeoutMs).headers },
    });
    for await (const chunk of await model.stream([new HumanMessage('Hello')])) heard(chunk.text);
  };

const ourClient = (way: string): Reader => ({
  library: `the client library over ${way}`,
  read: (timeoutMs, heard) =>
    each((clients[way] as TaskClient).stream({ type: 'broken', input: 'Hello', timeoutMs }), heard),
  isItsOwn: (error) => error instanceof TaskError,
});

const readers: readonly Reader[] = [
  {
    library: 'openai, chat',
    read: async (timeoutMs, heard) =>
      each(
        await openai().chat.completions.create({ model: 'broken', messages, stream: true }, bounded(timeoutMs)),
        heard,
      ),
    isItsOwn: ofOpenAI,
  },
  {
    library: 'openai, chat by its helper',
    read: async (timeoutMs, heard) => {
      const stream = openai().chat.completions.stream({ model: 'broken', messages }, bounded(timeoutMs));
      await stream.on('content', heard).finalContent();
    },
    isItsOwn: ofOpenAI,
  },
  {
    library: 'openai, responses',
    read: async (timeoutMs, heard) =>
      each(
        await openai().responses.create({ model: 'broken', input: 'Hello', stream: true }, bounded(timeoutMs)),
        heard,
      ),
    isItsOwn: ofOpenAI,
  },
  {
    library: 'openai, responses by its helper',
    read: async (timeoutMs, heard) => {
      const stream = openai().responses.stream({ model: 'broken', input: 'Hello' }, bounded(timeoutMs));
      await stream.on('response.output_text.delta', ({ delta }) => heard(delta)).finalResponse();
    },
    isItsOwn: ofOpenAI,
  },
  {
    library: 'anthropic',
    read: async (timeoutMs, heard) =>
      each(
        await anthropic().messages.create(
          { model: 'broken', max_tokens: 50, messages, stream: true },
          bounded(timeoutMs),
        ),
        heard,
      ),
    isItsOwn: ofAnthropic,
  },
  {
    library: 'anthropic by its helper',
    read: async (timeoutMs, heard) => {
      const stream = anthropic().messages.stream({ model: 'broken', max_tokens: 50, messages }, bounded(timeoutMs));
      await stream.on('text', heard).finalMessage();
    },
    isItsOwn: ofAnthropic,
  },
  {
    library: 'the AI SDK',
    read: async (timeoutMs, heard) => {
      const provider = createOpenAICompatible({ name: 'will', baseURL: `${system.httpUrl}/v1`, ...bounded(timeoutMs) });
      const { stream } = streamText({
        model: provider('broken'),
        messages,
        maxRetries: 0,
        onError: () => {},
      });
      let failure: Error | undefined;
      // Its way of throwing is a part of the stream.
      for await (const part of stream) {
        if (part.type === 'error') failure = part.error as Error;
        else heard(JSON.stringify(part));
      }
      if (failure) throw failure;
    },
    isItsOwn: (error) => AISDKError.isInstance(error),
  },
  { library: 'LangChain, chat', read: langchain(false), isItsOwn: ofOpenAI },
  { library: 'LangChain, responses', read: langchain(true), isItsOwn: ofOpenAI },
  ourClient('nats'),
  ourClient('grpc'),
];

const throughTheServer = readers.filter(({ library }) => library !== 'the client library over nats');

/** What one library made of a stream. */
interface Told {
  readonly library: string;
  readonly said: string;
  readonly error: unknown;
}

/** Reads one answer with each library at the same time; `once` runs when all of them have content. */
async function readByAll(
  timeoutMs: number,
  once: () => unknown = () => {},
  by: readonly Reader[] = readers,
): Promise<readonly Told[]> {
  const hearing = by.map(() => Promise.withResolvers<void>());
  const told = Promise.all(
    by.map(async ({ library, read }, n): Promise<Told> => {
      let said = '';
      const heard = (piece: string): void => {
        said += piece;
        if (said.includes('piece 0')) hearing[n]?.resolve();
      };
      const error = await read(timeoutMs, heard).then(
        () => undefined,
        (thrown: unknown) => thrown ?? 'nothing',
      );
      hearing[n]?.resolve();
      return { library, said, error };
    }),
  );
  await Promise.all(hearing.map(({ promise }) => promise));
  await once();
  return await told;
}

const finished =
  /"finish_reason":"|"finishReason":"stop"|response\.completed|message_stop|"kind":"end"|"stop_reason":"/;
/** These say by returning that an answer is whole; in the others what was read says it. */
const tellsByReturning = ({ library }: Told): boolean => /helper|LangChain/.test(library);

interface Fault {
  readonly what: string;
  readonly upstream: Behaviour;
  /** What every library is told; undefined: nobody is left who could tell it. */
  readonly code: string | undefined;
  /** Milliseconds that the task is given. */
  readonly timeoutMs: number;
  /** What is done once every library has content, and what makes all whole again. */
  readonly provoke?: () => Promise<unknown>;
  /** Who does not come through the server is not asked. */
  readonly isOfTheServer?: boolean;
  readonly mend?: () => Promise<unknown>;
}

/** More pieces than any test waits for, all of one length. */
const pieces = Array.from({ length: 400 }, (_, n) => `piece ${String(n).padStart(3, '0')} `);
const lasting: Behaviour = { kind: 'answer', text: pieces.join(''), chunks: pieces.length, gapMs: 50 };
const [shortMs, longMs] = [2_500, 20_000];

const all = (service: ServiceName, act: (one: ServiceProcess) => unknown) => async () =>
  void (await Promise.all(system.of(service).map(act)));
const kills = (service: ServiceName) => all(service, (one) => one.kill());
const freezes = (service: ServiceName) => all(service, (one) => one.signal('SIGSTOP'));
const adds = (service: ServiceName, env?: Readonly<Record<string, string>>) => () => system.add(service, env);
const inTurn =
  (...steps: readonly (() => unknown)[]) =>
  async () => {
    for (const step of steps) await step();
  };

const breaks = (how: Extract<Behaviour, { kind: 'breaks' }>['how']): Pick<Fault, 'upstream' | 'code' | 'timeoutMs'> =>
  how === 'stall'
    ? { upstream: { kind: 'breaks', after: 3, how }, code: 'deadline', timeoutMs: shortMs }
    : { upstream: { kind: 'breaks', after: 3, how }, code: 'truncated', timeoutMs: longMs };

const faults: readonly Fault[] = [
  { what: 'the provider cuts the connection', ...breaks('cut') },
  { what: 'the provider sends an error in place of a piece', ...breaks('error_event') },
  { what: 'the provider sends what cannot be read, and then a good end', ...breaks('malformed') },
  { what: 'the provider ends without saying that it is the end', ...breaks('end_without_marker') },
  { what: 'the provider falls silent', ...breaks('stall') },
  { what: 'the provider goes on beyond the deadline', upstream: lasting, code: 'deadline', timeoutMs: shortMs },
  {
    what: 'the worker is killed',
    upstream: lasting,
    code: 'worker_lost',
    timeoutMs: longMs,
    provoke: kills('provider-worker'),
    mend: adds('provider-worker'),
  },
  {
    what: 'the worker stands still until the deadline',
    upstream: lasting,
    code: 'deadline',
    timeoutMs: shortMs,
    provoke: freezes('provider-worker'),
    mend: inTurn(kills('provider-worker'), adds('provider-worker')),
  },
  {
    what: 'router and worker are killed',
    upstream: lasting,
    code: 'worker_lost',
    timeoutMs: longMs,
    provoke: inTurn(kills('router'), kills('provider-worker')),
    mend: inTurn(adds('router'), adds('provider-worker')),
  },
  {
    what: 'the bus stands still for longer than a connection is kept that is silent',
    upstream: lasting,
    code: 'unavailable',
    timeoutMs: longMs,
    provoke: async () => system.nats.suspend(),
    mend: async () => system.nats.resume(),
  },
  {
    what: 'the bus is killed',
    upstream: lasting,
    code: 'unavailable',
    timeoutMs: longMs,
    provoke: () => system.nats.kill(),
    mend: () => system.nats.restart(),
  },
  {
    what: 'the server is killed',
    upstream: lasting,
    code: undefined,
    timeoutMs: longMs,
    provoke: kills('gateway'),
    mend: adds('gateway', { WILL_DRAIN_MS: '300' }),
    isOfTheServer: true,
  },
  {
    what: 'the server is stopped, and the answer takes longer than it waits',
    upstream: lasting,
    code: 'unavailable',
    timeoutMs: longMs,
    provoke: all('gateway', (one) => one.stop()),
    mend: adds('gateway'),
    isOfTheServer: true,
  },
];

test.each(faults)(
  '$what: every library throws its own error, and none has a finished answer',
  async ({ upstream: behaviour, code, timeoutMs, provoke, mend, isOfTheServer = false }) => {
    upstream.script('broken', { kind: 'answer', text: 'piece 0 ' });
    await expect.poll(wholeByAll, { interval: 200 }).toEqual([]);
    upstream.script('broken', behaviour);
    const told = await readByAll(timeoutMs, provoke, isOfTheServer ? throughTheServer : readers);
    await mend?.();
    for (const { library, said, error } of told) {
      expect([library, said.includes('piece 0'), finished.test(said)]).toEqual([library, true, false]);
      // That a connection broke, our own client says itself.
      expect([library, codeIn(error)]).toEqual([
        library,
        code ?? (error instanceof TaskError ? 'unavailable' : undefined),
      ]);
    }
    for (const one of told) expect([one.library, isItsOwn(one)]).toEqual([one.library, true]);
  },
);

const isItsOwn = ({ library, error }: Told): boolean =>
  isBrokenConnection(error) || readers.some((reader) => reader.library === library && reader.isItsOwn(error));

/** In a loop over raw events the vendors' libraries hand on what `fetch` throws when its connection breaks. */
const isBrokenConnection = (error: unknown): boolean => error instanceof TypeError && error.message === 'terminated';

/** The libraries that do not read a whole answer as one. */
async function wholeByAll(): Promise<readonly string[]> {
  const told = await readByAll(longMs);
  return told
    .filter((one) => one.error !== undefined || !(tellsByReturning(one) || finished.test(one.said)))
    .map(({ library, error }) => `${library}: ${String(error)}`);
}

/** Where each library keeps what the server called the failure. */
function codeIn(error: unknown): string | undefined {
  type Holder = { readonly code?: string; readonly error?: Holder } | undefined;
  const holder = error as Holder;
  return holder?.code ?? holder?.error?.code ?? holder?.error?.error?.code;
}

test('every router is killed: the answer comes whole to every library', async () => {
  upstream.script('broken', { kind: 'answer', text: 'piece 0 ' });
  await expect.poll(wholeByAll, { interval: 200 }).toEqual([]);
  upstream.script('broken', { ...lasting, text: pieces.slice(0, 20).join(''), chunks: 20 });
  const told = await readByAll(longMs, kills('router'));
  await system.add('router');
  for (const { library, said, error } of told)
    expect([library, error, said.includes('piece 019')]).toEqual([library, undefined, true]);
});
