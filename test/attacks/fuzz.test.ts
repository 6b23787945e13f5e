import { connect } from 'node:net';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { credentials, Client, type ServiceError } from '@grpc/grpc-js';
import { create, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { fieldsOf, maxFields, parseDocuments, readMessage, wire } from '@will/contracts';
import { TaskError } from '@will/client';
import { createProviders } from '@will/providers';
import { costRatio, modelFor } from '@will/testkit';
import { expect, test } from 'vitest';
import { empties } from './wire-payloads.ts';
import { startTestServer } from '../../services/gateway/src/testing/test-server.ts';

// Broken input of every kind at every mouth: always the same, so that what is green stays green until the code changes.
// `npm run fuzz` tries others for ten minutes; WILL_FUZZ_SEED repeats what failed.

const totalMs = Number(process.env['WILL_FUZZ_MS'] ?? 0);
const seed = Number(process.env['WILL_FUZZ_SEED'] ?? (totalMs === 0 ? 1 : Date.now() % 1_000_000));
const shareMs = totalMs / 5;
const slackMs = 120_000;

/** A small generator whose seed repeats a run. */
function random(start: number): (below: number) => number {
  let state = (start | 0) + 0x9e3779b9;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const troubles = [
  '\0',
  '\r\n',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\u0000',
  '__proto__',
  '1e999',
  '-0',
  '\ufeff',
  '%00',
  '\ud800',
  '&a *a',
  '<<: ',
  '!!js',
  'data:',
  '\n\n',
  '[DONE]',
  'null',
  '9'.repeat(400),
  'x'.repeat(70_000),
];

/** One input made worse in up to eight places. */
function mutated(input: Uint8Array, below: (n: number) => number): Buffer<ArrayBuffer> {
  let bytes = Buffer.from(input);
  for (let n = 1 + below(8); n > 0; n -= 1) {
    const at = below(bytes.length + 1);
    const to = Math.min(bytes.length, at + 1 + below(40));
    switch (below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
        break;
      case 3:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(troubles[below(troubles.length)] as string),
          bytes.subarray(at),
        ]);
        break;
      case 4:
        bytes = bytes.subarray(0, at);
        break;
      case 5:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(Array.from({ length: below(20) }, () => below(256))),
          bytes.subarray(at),
        ]);
        break;
      default:
        if (at < bytes.length) bytes[at] = below(256);
    }
  }
  return bytes;
}

/** What work costs, whatever else the machine does. */
function processorMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

interface Fuzzed {
  readonly name: string;
  /** How many at least; more where there is time left. */
  readonly inputs: number;
}

/** Runs one try after another; a try that throws tells the seed that repeats it. */
async function fuzz(
  { name, inputs }: Fuzzed,
  one: (below: (n: number) => number) => void | Promise<void>,
): Promise<void> {
  const endMs = performance.now() + shareMs;
  let tries = 0;
  let slowestMs = 0;
  while (tries < inputs || performance.now() < endMs) {
    const mine = seed + tries;
    const startedMs = performance.now();
    try {
      await one(random(mine));
    } catch (error) {
      throw new Error(`${name}, WILL_FUZZ_SEED=${mine}: ${(error as Error).message}`, { cause: error });
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    tries += 1;
  }
  process.stdout.write(`fuzz ${name}: ${tries} inputs from seed ${seed}, slowest ${slowestMs.toFixed(1)} ms\n`);
}

const isMessage = (value: unknown): value is DescMessage =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'message';

test(
  'protobuf: every message type of ours reads or refuses, in bounded time',
  async () => {
    const schemas = Object.values(wire as Record<string, unknown>).filter(isMessage);
    expect(schemas.length).toBeGreaterThan(60);
    const samples = schemas.map((schema) => toBinary(schema, sampleOf(schema, 3)));
    await fuzz({ name: 'protobuf', inputs: 5_000 }, (below) => {
      const which = below(schemas.length);
      const schema = schemas[which] as DescMessage;
      const from = samples[below(4) === 0 ? below(samples.length) : which] as Uint8Array;
      const before = process.cpuUsage();
      try {
        const message = readMessage(schema, mutated(from, below));
        // protobuf-es keeps an unknown field that runs over the end of its message; what it writes then is refused.
        toBinary(schema, readMessage(schema, toBinary(schema, message)));
      } catch (error) {
        if ((error as Error).name !== 'MessageError') throw error;
      }
      const tookMs = processorMsSince(before);
      if (tookMs > 1_000) throw new Error(`${schema.typeName} took ${tookMs} ms`);
    });
    expect(maxFields).toBeLessThan(100_000);
  },
  totalMs + slackMs,
);

test('a megabyte of empty fields, under any number of any message type, is refused', () => {
  const schemas = Object.values(wire as Record<string, unknown>).filter(isMessage);
  let tried = 0;
  let refused = 0;
  let slowestMs = 0;
  for (const schema of schemas)
    for (const field of schema.fields) {
      const bytes = empties(field.number);
      const startedMs = performance.now();
      try {
        readMessage(schema, bytes);
      } catch (error) {
        if ((error as Error).name !== 'MessageError') throw error;
        refused += 1;
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      tried += 1;
    }
  const figures = `${tried} fields, ${refused} refused, slowest ${slowestMs.toFixed(1)} ms`;
  process.stdout.write(`fuzz: a megabyte of empties in each of ${figures}\n`);
  expect(refused).toBe(tried);
  // What comes after the first field too many is not read.
  const refuse = (bytes: Uint8Array) => () => expect(() => readMessage(wire.TaskSchema, bytes)).toThrow(/fields/);
  expect(costRatio(refuse(empties(1)), refuse(empties(1).subarray(0, 40_004)))).toBeLessThan(5);
});

/** A message with every field of its schema set, some levels deep. */
function sampleOf(schema: DescMessage, depth: number): ReturnType<typeof create> {
  const message = create(schema) as unknown as Record<string, unknown>;
  if (depth > 0)
    for (const field of schema.fields) {
      if (field.oneof) continue;
      if (field.fieldKind === 'scalar' && typeof message[field.localName] === 'string')
        message[field.localName] = 'some-text';
      if (field.fieldKind === 'message') message[field.localName] = sampleOf(field.message, depth - 1);
      if (field.fieldKind === 'list' && field.listKind === 'message')
        message[field.localName] = [sampleOf(field.message, depth - 1)];
    }
  return message as never;
}

test(
  'documents: every text is documents or problems, in bounded time',
  async () => {
    const model = [
      'kind: model',
      'name: GPT-4',
      'tags: [text_gen, code]',
      'call_method: API',
      'provider: openai-compatible',
      'endpoint: https://api.example.com/v1',
      'data_residency: EU',
      'compliance: [HIPAA]',
      'benchmark: { avg_latency_ms: 800, accuracy: 9 }',
      'limits: { rpm: 60, daily: { usd: 5 } }',
    ].join('\n');
    const notation =
      '[text_gen]\n  primary: GPT-4\n  fallback_1: Claude 3\n\n[client:AcmeLegal]\n  default_model: Claude 3\n  data_rules:\n    use_compliant_only: true\n';
    const route =
      'kind: route\nname: text_gen\nprimary: GPT-4\n---\nkind: schedule\nname: off_hours\nzone: Europe/Berlin\n';
    const inputs = [model, notation, route].map((text) => Buffer.from(text));
    expect(fieldsOf).toBeDefined();
    await fuzz({ name: 'documents', inputs: 400 }, (below) => {
      const text = mutated(inputs[below(inputs.length)] as Buffer, below).toString('utf8');
      const before = process.cpuUsage();
      parseDocuments(below(2) === 0 ? 'a.yaml' : 'a.will', text);
      const tookMs = processorMsSince(before);
      if (tookMs > 2_000) throw new Error(`${text.length} characters took ${tookMs} ms`);
      if (({} as Record<string, unknown>)['polluted'] !== undefined) throw new Error('a prototype was reached');
    });
  },
  totalMs + slackMs,
);

test(
  'HTTP: whatever comes, it is answered or its connection closed, and the server goes on',
  async () => {
    const server = await startTestServer();
    const away = async (): Promise<never> => {
      throw new TaskError('unavailable', 'nothing is behind this server', { taskId: '' });
    };
    Object.assign(server.tasks, { explain: away, submit: away, task: away, cancelTask: away, tasks: away });
    const { port } = new URL(server.url);
    const body = JSON.stringify({
      model: 'text_gen',
      stream: true,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'ping' }] }],
      tools: [],
      metadata: { will_project: 'a' },
    });
    const paths = [
      'chat/completions',
      'responses',
      'messages',
      'embeddings',
      'audio/transcriptions',
      'audio/speech',
      'images/generations',
      'rerank',
      'explain',
      'tasks',
      'tasks/abc',
      'models/a',
    ];
    const requestOf = (path: string): string =>
      `POST /v1/${path}?wait_ms=1 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-will-project: a\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
    await fuzz({ name: 'HTTP', inputs: 1_000 }, async (below) => {
      const whole = requestOf(paths[below(paths.length)] as string);
      const isBodyOnly = below(3) > 0;
      let bytes = mutated(Buffer.from(whole), below);
      if (isBodyOnly) {
        const worse = mutated(Buffer.from(body), below);
        const head = whole
          .slice(0, whole.indexOf('\r\n\r\n'))
          .replace(/content-length: \d+/, `content-length: ${worse.length}`);
        bytes = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), worse]);
      }
      await sent(Number(port), bytes);
    });
    expect(server.errors).toEqual([]);
    expect((await server.post({ model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] })).status).toBe(200);
    await server.stop();
  },
  totalMs + slackMs,
);

/** Sends bytes and ends; resolves once the other side has closed, or after a moment of waiting for more. */
function sent(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.setTimeout(3_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1').slice(0, 1_000);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (answer.startsWith('HTTP/1.1 500')) throw new Error(answer);
      resolve(answer);
    });
  });
}

test(
  'gRPC: whatever bytes a message holds, the call ends with a status that is no failure of ours',
  async () => {
    const server = await startTestServer();
    const client = new Client(server.grpcAddress, credentials.createInsecure());
    const methods = [wire.TaskService, wire.DurableTaskService, wire.RegistryService, wire.TelemetryService].flatMap(
      (service) =>
        service.methods.map(({ name, input, methodKind }) => ({
          path: `/${service.typeName}/${name}`,
          input,
          isStreamed: methodKind === 'server_streaming',
        })),
    );
    await fuzz({ name: 'gRPC', inputs: 250 }, async (below) => {
      const { path, input, isStreamed } = methods[below(methods.length)] as (typeof methods)[number];
      const bytes = mutated(toBinary(input, sampleOf(input, 3)), below);
      const identity = (value: Buffer): Buffer => value;
      const options = { deadline: Date.now() + 10_000 };
      const error = await new Promise<ServiceError | null>((resolve) => {
        if (!isStreamed) return void client.makeUnaryRequest(path, identity, identity, bytes, options, resolve);
        const stream = client.makeServerStreamRequest(path, identity, identity, bytes, options);
        stream.on('data', () => {});
        stream.once('error', resolve);
        stream.once('end', () => resolve(null));
      });
      // A task may state a deadline that has passed; no answer waits for the caller's.
      if (Date.now() >= options.deadline) throw new Error(`${path} waited for its deadline`);
      if (
        error &&
        [2, 13].includes(error.code) &&
        !/not readable|wire type|fields|deserializ|levels|ends within|Unhandled|too many/i.test(error.details)
      )
        throw new Error(`${path}: ${error.code} ${error.details}`);
    });
    client.close();
    expect((await server.post({ model: 'text_gen', messages: [{ role: 'user', content: 'ping' }] })).status).toBe(200);
    await server.stop();
  },
  totalMs + slackMs,
);

test(
  'streams of upstreams: every one ends in one outcome, as a value',
  async () => {
    const chunk = (delta: object, more: object = {}): string =>
      `data: ${JSON.stringify({ id: 'a', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`;
    const right = Buffer.from(
      `: hello\n\n${chunk({ role: 'assistant', content: 'The quick' })}${chunk({ content: ' brøwn 🦊' })}${chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] })}${chunk({}, { finish_reason: 'stop' })}data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } })}\n\ndata: [DONE]\n\n`,
    );
    let next: { status: number; type: string; pieces: readonly Uint8Array[] } = { status: 200, type: '', pieces: [] };
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(next.status, { 'content-type': next.type });
      for (const piece of next.pieces) response.write(piece);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const provider = createProviders({ dataDir: '.', threads: 1 }).get('openai-compatible');
    const connection = await provider?.open(modelFor({ name: 'm', slug: 'm', endpoint }));
    const input = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'ping' }] }));
    await fuzz({ name: 'SSE', inputs: 250 }, async (below) => {
      const bytes = mutated(right, below);
      const cut = below(bytes.length + 1);
      next = {
        status: below(10) === 0 ? 200 + below(350) : 200,
        type: below(10) === 0 ? 'application/json' : 'text/event-stream',
        pieces: [bytes.subarray(0, cut), bytes.subarray(cut)],
      };
      if ([204, 205, 304].includes(next.status)) next = { ...next, status: 200 };
      const outcome = await connection?.run(
        {
          inputKind: 'chat',
          input,
          stream: true,
          maxOutputTokens: undefined,
          firstContentTimeoutMs: 5_000,
          idleTimeoutMs: 5_000,
        },
        () => {},
        AbortSignal.timeout(10_000),
      );
      if (typeof outcome?.ok !== 'boolean') throw new Error('no outcome');
    });
    await connection?.close();
    server.closeAllConnections();
    server.close();
  },
  totalMs + slackMs,
);
