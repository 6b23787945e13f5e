import { fileURLToPath } from 'node:url';
import { create, fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';
import { wire } from '@will/contracts';
import type { Model } from '@will/core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answers, attempt, delta, exclusion, fails, hangs, result, started } from '../../testing/fake-tasks.ts';
import { startTestServer, sampleSnapshot, type TestServer } from '../../testing/test-server.ts';

// The client here is made from the proto files alone: none of our code stands between it and the server.
const protoFolder = fileURLToPath(new URL('../../../../../proto', import.meta.url));
const loading = { includeDirs: [protoFolder], longs: Number, enums: String, defaults: true, oneofs: true };

interface Streamed extends AsyncIterable<Message> {
  on(event: 'error', listener: (error: grpc.ServiceError) => void): this;
  cancel(): void;
}
type Message = Record<string, unknown>;
type Unary = (
  request: Message,
  ...rest: [...([grpc.Metadata] | []), grpc.CallOptions, (error: grpc.ServiceError | null, answer: Message) => void]
) => grpc.ClientUnaryCall;
interface Stub {
  readonly run: Unary;
  readonly explain: Unary;
  readonly stream: (request: Message, options?: grpc.CallOptions) => Streamed;
  close(): void;
}
type StubClass = new (address: string, credentials: grpc.ChannelCredentials) => Stub;

const stubFrom = (definition: Parameters<typeof grpc.loadPackageDefinition>[0], service = 'TaskService'): Stub => {
  const { will } = grpc.loadPackageDefinition(definition) as unknown as {
    will: { v1: Record<string, StubClass> };
  };
  return new (will.v1[service] as StubClass)(server.grpcAddress, grpc.credentials.createInsecure());
};

let server: TestServer;
let stub: Stub;
beforeAll(async () => {
  server = await startTestServer(2);
  stub = stubFrom(loadSync('will/v1/api.proto', loading));
});
afterAll(async () => {
  stub.close();
  await server.stop();
});
beforeEach(() => {
  server.tasks.script = answers('po', 'ng');
  server.tasks.requests.length = 0;
  Object.assign(server.backends, { client: server.tasks, snapshot: sampleSnapshot(), queries: undefined });
});

const ask = (method: Unary, request: Message, metadata = new grpc.Metadata(), options: grpc.CallOptions = {}) =>
  new Promise<Message>((resolve, reject) => {
    method.call(stub, request, metadata, options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
const ping = { client: 'AcmeLegal', task: { type: 'text_gen', priority: 'PRIORITY_HIGH' }, prompt: 'ping' };
const failureOf = async (promise: Promise<unknown>): Promise<grpc.ServiceError> =>
  (await promise.then(
    () => undefined,
    (error: unknown) => error,
  )) as grpc.ServiceError;

test('a client made from the proto files runs a task', async () => {
  const answer = await ask(stub.run, ping);
  expect(answer).toMatchObject({
    taskId: server.tasks.requests[0]?.taskId,
    end: {
      model: 'llama',
      finish: 'stop',
      output: { text: 'pong' },
      usage: { inputTokens: 7 },
      decisionId: 'decision-1',
    },
  });
  expect(server.tasks.requests[0]).toMatchObject({
    client: 'acmelegal',
    type: 'text_gen',
    priority: 'high',
    input: 'ping',
  });
});

test('a stream is what started, its pieces, and one end without the text again', async () => {
  const parts: Message[] = [];
  for await (const part of stub.stream(ping)) parts.push(part);
  expect(parts.map(({ part }) => part)).toEqual(['started', 'delta', 'delta', 'end']);
  expect(parts.map((part) => (part['delta'] as { text?: string } | undefined)?.text ?? '').join('')).toBe('pong');
  expect(parts.at(-1)).toMatchObject({ end: { finish: 'stop', output: null } });
});

test('when a model retires is in the metadata of its answers, plain and streamed', async () => {
  const snapshot = sampleSnapshot();
  const llama = snapshot.models.get('llama') as Model;
  const models = new Map([...snapshot.models, ['llama', { ...llama, retiredAtMs: Date.UTC(2027, 0, 31, 12) }]]);
  Object.assign(server.backends, { snapshot: { ...snapshot, models } });
  const sunsetOf = (call: grpc.ClientUnaryCall | Streamed): Promise<unknown> =>
    new Promise((resolve) =>
      (call as grpc.ClientUnaryCall).on('metadata', (metadata) => resolve(metadata.get('sunset'))),
    );
  const sunset = ['Sun, 31 Jan 2027 12:00:00 GMT'];
  expect(await sunsetOf(stub.run(ping, {}, () => {}))).toEqual(sunset);
  const stream = stub.stream(ping);
  expect(await sunsetOf(stream)).toEqual(sunset);
  for await (const _ of stream);
});

test('a model that cannot stream gives its output with the end', async () => {
  server.tasks.script = (request) => result(request, { output: 'whole' });
  const parts: Message[] = [];
  for await (const part of stub.stream(ping)) parts.push(part);
  expect(parts).toMatchObject([{ end: { output: { text: 'whole' } } }]);
});

test.each([
  ['invalid_task', 'INVALID_ARGUMENT'],
  ['blocked', 'PERMISSION_DENIED'],
  ['unknown_task', 'NOT_FOUND'],
  ['all_failed', 'UNAVAILABLE'],
  ['deadline', 'DEADLINE_EXCEEDED'],
  ['truncated', 'DATA_LOSS'],
  ['overloaded', 'RESOURCE_EXHAUSTED'],
  ['no_worker', 'UNAVAILABLE'],
  ['worker_lost', 'UNAVAILABLE'],
  ['internal', 'INTERNAL'],
] as const)('a task that ends as %s is %s, with attempts and reasons in the details', async (code, expected) => {
  server.tasks.script = fails(code, 'because', {
    isRetryable: true,
    retryAfterMs: 1_500,
    decisionId: 'decision-9',
    attempts: [attempt(1, 'gpt-4', 'AuthError', 'no key')],
    exclusions: [exclusion('eyes', 'task_type')],
  });
  const error = await failureOf(ask(stub.run, ping));
  expect(grpc.status[error.code]).toBe(expected);
  expect(error.details).toBe('because');
  expect(error.metadata.get('x-will-decision-id')).toEqual(['decision-9']);
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const rich = fromBinary(wire.RpcStatusSchema, bytes as Buffer);
  const [failure, info, retry] = rich.details;
  expect(rich.code).toBe(error.code);
  expect(failure && anyUnpack(failure, wire.FailureSchema)).toMatchObject({
    decisionId: 'decision-9',
    attempts: [{ model: 'gpt-4', status: 'AuthError' }],
    exclusions: [{ model: 'eyes', rule: 'task_type' }],
  });
  expect(info && anyUnpack(info, wire.ErrorInfoSchema)).toMatchObject({
    reason: code.toUpperCase(),
    domain: 'will.v1',
  });
  expect(retry && anyUnpack(retry, wire.RetryInfoSchema)?.retryDelay).toMatchObject({
    seconds: 1n,
    nanos: 500_000_000,
  });
});

test('a stream that breaks after content ends with a status, never with an end', async () => {
  server.tasks.script = (request, stream, onPart) => {
    onPart(started);
    onPart(delta('half'));
    return fails('worker_lost', 'the worker died')(request, stream, onPart);
  };
  const parts: Message[] = [];
  const read = async (): Promise<void> => {
    for await (const part of stub.stream(ping)) parts.push(part);
  };
  expect(await failureOf(read())).toMatchObject({ code: grpc.status.UNAVAILABLE, details: 'the worker died' });
  expect(parts.map(({ part }) => part)).toEqual(['started', 'delta']);
});

test('cancelling a call, or its deadline, cancels the task; the deadline is the task’s', async () => {
  const byHand = hangs([started]);
  server.tasks.script = byHand;
  const stream = stub.stream(ping).on('error', () => {});
  await byHand.begun;
  stream.cancel();
  await byHand.cancelled;
  const byDeadline = hangs();
  server.tasks.script = byDeadline;
  const error = await failureOf(ask(stub.run, ping, undefined, { deadline: Date.now() + 300 }));
  expect(error.code).toBe(grpc.status.DEADLINE_EXCEEDED);
  await byDeadline.cancelled;
  expect(server.tasks.requests[0]?.timeoutMs).toBeUndefined();
  expect(server.tasks.requests[1]?.timeoutMs).toBeLessThanOrEqual(300);
});

test('one task more than may be in flight is refused at once', async () => {
  const scripts = [hangs(), hangs()];
  const calls: Streamed[] = [];
  for (const script of scripts) {
    server.tasks.script = script;
    calls.push(stub.stream(ping).on('error', () => {}));
    await script.begun;
  }
  expect(await failureOf(ask(stub.run, ping))).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
  for (const call of calls) call.cancel();
  await Promise.all(scripts.map(({ cancelled }) => cancelled));
});

const chatWith = (more: object) => {
  const chat = { messages: [{ role: 'user', content: 'ping' }], temperature: null, ...more };
  return { ...ping, prompt: '', inputJson: JSON.stringify(chat) };
};
test('a chat goes to the model as it came', async () => {
  const chat = chatWith({ top_k: 5, user: 'u' });
  await ask(stub.run, chat);
  expect(Buffer.from(server.tasks.requests[0]?.input as Uint8Array).toString()).toBe(chat.inputJson);
});

test.each([
  ['no task', { prompt: 'ping' }, 'task is missing'],
  ['no input', { task: { type: 'text_gen' } }, '0 of prompt, input_json and task.input are there; exactly one must be'],
  ['two inputs', { ...ping, inputJson: '{}' }, '2 of prompt, input_json and task.input'],
  ['a chat that is no JSON', { ...ping, prompt: '', inputJson: '{"messages":' }, 'input_json is not valid JSON'],
  ['a chat that is a list', { ...ping, prompt: '', inputJson: '[]' }, 'input_json must be a JSON object'],
  [
    'a chat of no message',
    { ...ping, prompt: '', inputJson: '{"messages":[]}' },
    'input_json must have at least one message in messages',
  ],
  ['a chat that avoids the cloud', chatWith({ avoid_cloud: true }), 'avoid_cloud: which models may see data'],
  ['a chat of a provider', chatWith({ provider: { zdr: true } }), 'provider: is decided by the documents'],
  ['a chat of a client', chatWith({ metadata: { will_client: 'acme' } }), 'client is stated beside input'],
  ['a chat of a model', chatWith({ model: 'gpt-4' }), 'say it as model, beside input'],
  [
    'an image at an address that is not public',
    chatWith({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://169.254.169.254/' } }] }],
    }),
    'an https: URL of a public host name',
  ],
])('%s is refused before any task is made', async (_what, request, message) => {
  const error = await failureOf(ask(stub.run, request));
  expect(error.code).toBe(grpc.status.INVALID_ARGUMENT);
  expect(error.details).toContain(message);
  expect(server.tasks.requests).toEqual([]);
});

const path = (method: string): string => `/will.v1.TaskService/${method}`;
const asIs = (bytes: Buffer): Buffer => bytes;
const nested = (depth: number): Buffer => {
  let bytes = Buffer.alloc(0);
  // An unknown group in a group is the cheapest way to go deep.
  for (let at = 0; at < depth; at += 1) bytes = Buffer.concat([Buffer.of(0x7b), bytes, Buffer.of(0x7c)]);
  return bytes;
};

test.each([
  ['is no protobuf', Buffer.from('not a message at all')],
  ['ends early', Buffer.of(0x0a, 0x7f, 0x01)],
  ['nests a thousand deep', nested(1_000)],
  ['is a megabyte of empty sub-messages', Buffer.alloc(1024 * 1024, Buffer.of(0x12, 0x00))],
])('a message that %s is the caller’s mistake, told at once', async (_what, bytes) => {
  const client = new grpc.Client(server.grpcAddress, grpc.credentials.createInsecure());
  const deadline = Date.now() + 60_000;
  const unary = await failureOf(
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(path('Run'), asIs, asIs, bytes, { deadline }, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    ),
  );
  const streamed = await failureOf(
    new Promise((resolve, reject) =>
      client
        .makeServerStreamRequest(path('Stream'), asIs, asIs, bytes, { deadline })
        .on('data', resolve)
        .on('error', reject),
    ),
  );
  client.close();
  for (const error of [unary, streamed]) expect(error.code).toBe(grpc.status.INVALID_ARGUMENT);
  expect(server.tasks.requests).toEqual([]);
});

test('metadata above 8 KB is refused, and the connection goes on', async () => {
  const metadata = new grpc.Metadata();
  metadata.set('x-large', 'x'.repeat(9_000));
  const error = await failureOf(ask(stub.run, ping, metadata));
  expect(error.code).toBe(grpc.status.RESOURCE_EXHAUSTED);
  expect(error.details).toMatch(/metadata of \d+ bytes exceeds 8192/);
  expect(server.tasks.requests).toEqual([]);
  expect(await ask(stub.run, ping)).toMatchObject({ end: { output: { text: 'pong' } } });
});

test('explain asks policy; a question that it refuses is the caller’s mistake', async () => {
  const set = create(wire.RankedSetSchema, { setId: 's', candidates: [{ model: 'llama', why: 'route:primary' }] });
  const explain = async ({ facts }: { facts?: { taskType?: string } }) =>
    create(wire.DecideResponseSchema, facts?.taskType === 'code' ? { error: 'no route' } : { set, wouldChange: ['x'] });
  Object.assign(server.backends, { queries: { explain } });
  expect(await ask(stub.explain, { facts: { taskType: 'text_gen' } })).toMatchObject({
    set: { candidates: [{ model: 'llama' }] },
    wouldChange: ['x'],
  });
  const error = await failureOf(ask(stub.explain, { facts: { taskType: 'code' } }));
  expect(error).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, details: 'no route' });
});

test('health says whether a task could be answered now', async () => {
  const { service } = await import('grpc-health-check');
  const health = new grpc.Client(server.grpcAddress, grpc.credentials.createInsecure());
  const check = service['Check'];
  if (!check) throw new Error('the health service has no Check');
  const status = () =>
    new Promise<unknown>((resolve, reject) => {
      health.makeUnaryRequest(
        check.path,
        check.requestSerialize,
        check.responseDeserialize,
        { service: 'will.v1.TaskService' },
        (error, answer) => (error ? reject(error) : resolve((answer as { status?: unknown }).status)),
      );
    });
  const until = async (wanted: string) => {
    while ((await status()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await until('SERVING');
  server.backends.isBusConnected = false;
  await until('NOT_SERVING');
  server.backends.isBusConnected = true;
  await until('SERVING');
  health.close();
});

test('a client that has no proto files gets them by reflection, and runs a task with them', async () => {
  const files = await reflected(server.grpcAddress, 'will.v1.TaskService');
  const set = Buffer.concat(files.map((file) => Buffer.concat([Buffer.from([0x0a]), varint(file.length), file])));
  const byReflection = stubFrom(loadFileDescriptorSetFromBuffer(set, { longs: Number, enums: String, oneofs: true }));
  const answer = await new Promise<Message>((resolve, reject) => {
    byReflection.run(ping, {}, (error, given) => (error ? reject(error) : resolve(given)));
  });
  expect(answer).toMatchObject({ end: { output: { text: 'pong' } } });
  byReflection.close();
});

test('reflection also tells the health service and the details of errors', async () => {
  for (const symbol of ['grpc.health.v1.Health', 'google.rpc.ErrorInfo', 'google.rpc.RetryInfo'])
    expect([symbol, (await reflected(server.grpcAddress, symbol)).length > 0]).toEqual([symbol, true]);
});

/** A number as protobuf writes lengths. */
const varint = (value: number): Buffer =>
  value < 0x80 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 0x7f) | 0x80]), varint(value >>> 7)]);

/** The descriptors of a service and all that they build on, as the reflection service tells them. */
function reflected(address: string, symbol: string): Promise<Buffer[]> {
  const { grpc: loaded } = grpc.loadPackageDefinition(
    loadSync(fileURLToPath(import.meta.resolve('@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto'))),
  ) as unknown as {
    grpc: {
      reflection: { v1: { ServerReflection: new (address: string, c: grpc.ChannelCredentials) => Reflecting } };
    };
  };
  const client = new loaded.reflection.v1.ServerReflection(address, grpc.credentials.createInsecure());
  return new Promise((resolve, reject) => {
    const call = client.serverReflectionInfo();
    call.on('error', reject);
    call.on('data', ({ fileDescriptorResponse, errorResponse }) => {
      call.end();
      client.close();
      if (errorResponse) reject(new Error(errorResponse.errorMessage));
      else resolve(fileDescriptorResponse.fileDescriptorProto);
    });
    call.write({ fileContainingSymbol: symbol });
  });
}
interface Reflecting {
  serverReflectionInfo(): grpc.ClientDuplexStream<
    object,
    {
      fileDescriptorResponse: { fileDescriptorProto: Buffer[] };
      errorResponse?: { errorMessage: string };
    }
  >;
  close(): void;
}
