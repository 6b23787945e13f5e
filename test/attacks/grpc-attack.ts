import type { DescMessage } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type status } from '@grpc/grpc-js';
import { wire } from '@will/contracts';
import { grpcAccess } from '../../services/gateway/src/auth/keys/access.ts';
import { type Targets, type WirePayload, brokenMessages, wirePayloads } from './wire-payloads.ts';
import { texts } from './payloads.ts';

/** One method of the server's own table. */
export interface GrpcTarget {
  readonly what: string;
  readonly access: (typeof grpcAccess)[string];
  readonly kind: 'unary' | 'server_streaming' | 'bidi_streaming';
  readonly payloads: readonly WirePayload[];
}

const task = { type: 'text_gen', inputKind: 'chat' };
const durable = { type: 'text_gen', input: Buffer.from('{"messages":[{"role":"user","content":"ping"}]}') };
/** Messages that are done when nothing hurts. */
const right: Readonly<Record<string, { [name: string]: unknown }>> = {
  Run: { prompt: 'ping', task },
  Stream: { prompt: 'ping', task },
  Explain: { facts: { taskType: 'text_gen' } },
  SubmitTask: { request: { task: { ...durable, inputKind: 'chat' } } },
  GetDurableTask: { request: { taskId: 'AAAAAAAAAAAAAAAAAAAAAA' } },
  CancelDurableTask: { request: { taskId: 'AAAAAAAAAAAAAAAAAAAAAA' } },
  ListDurableTasks: { request: {} },
  WatchDurableTask: { request: { taskId: 'AAAAAAAAAAAAAAAAAAAAAA' } },
  RequeueDurableTask: { request: { taskId: 'AAAAAAAAAAAAAAAAAAAAAA' } },
  Feedback: { taskId: 'AAAAAAAAAAAAAAAAAAAAAA', score: 5 },
};
const ours = [wire.TaskService, wire.DurableTaskService, wire.RegistryService, wire.TelemetryService];

/** Everything that the table names, ours by their descriptors, health and reflection by hand. */
export const grpcTargets = (targets: Targets): readonly GrpcTarget[] =>
  Object.entries(grpcAccess).map(([what, access]) => {
    const method = ours
      .flatMap((service) => service.methods)
      .find(({ parent, name }) => `${parent.typeName}/${name}` === what);
    if (!method) return { what, access, kind: kindOf(what), payloads: foreign(targets) };
    const kind = method.methodKind === 'server_streaming' ? 'server_streaming' : 'unary';
    const input: DescMessage = method.input;
    return { what, access, kind, payloads: wirePayloads(input, right[method.name] ?? {}, targets) };
  });

const kindOf = (what: string): GrpcTarget['kind'] =>
  what.includes('Reflection') ? 'bidi_streaming' : what.endsWith('Watch') ? 'server_streaming' : 'unary';

/** Text in each of the fields 1 to 7, and what is no message at all. */
function foreign({ canaryUrl, otherClient, others }: Targets): WirePayload[] {
  const inField = (field: number, text: string): Uint8Array => {
    const bytes = Buffer.from(text.toWellFormed()).subarray(0, 10_000);
    return Buffer.concat([Buffer.from([(field << 3) | 2, (bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes]);
  };
  return [
    ...[canaryUrl, otherClient, ...others, ...texts].flatMap((text, n) =>
      [1, 3, 4, 7].map((field) => ({
        what: `text ${n} in field ${field}`,
        bytes: inField(field, text),
        namesAnother: false,
      })),
    ),
    ...brokenMessages.map(([what, bytes]) => ({ what, bytes, namesAnother: false })),
  ];
}

export interface GrpcAnswer {
  readonly code: status;
  readonly details: string;
  /** Every message and trailer, one after another. */
  readonly content: Buffer;
}

const callMs = 20_000;
/** A stream that watches goes on until it is left. */
const watchMs = 50;
const same = (value: Buffer): Buffer => value;

/** One call with raw bytes, to its end. */
export function callGrpc(
  client: Client,
  { what, kind }: GrpcTarget,
  { bytes: content, metadata }: WirePayload,
  key: string | undefined,
): Promise<GrpcAnswer> {
  const bytes = Buffer.from(content);
  const sent = new Metadata();
  if (key !== undefined) sent.set('authorization', `Bearer ${key}`);
  for (const [name, value] of Object.entries(metadata ?? {})) sent.set(name, value);
  const isWatch = what.endsWith('Watch');
  const options = { deadline: Date.now() + callMs };
  const path = `/${what}`;
  const parts: Buffer[] = [];
  return new Promise((resolve) => {
    const end = (code: status, details: string, trailers?: Metadata): void => {
      for (const [name, values] of Object.entries(trailers?.toJSON() ?? {})) {
        parts.push(Buffer.from(name));
        for (const value of values) parts.push(Buffer.from(value as string));
      }
      resolve({ code, details, content: Buffer.concat(parts) });
    };
    if (kind === 'unary')
      return void client
        .makeUnaryRequest(path, same, same, bytes, sent, options, (_error, answer) => {
          if (answer) parts.push(answer);
        })
        .on('status', ({ code, details, metadata: trailers }) => setImmediate(() => end(code, details, trailers)));
    const bidi = kind === 'bidi_streaming' ? client.makeBidiStreamRequest(path, same, same, sent, options) : undefined;
    const stream = bidi ?? client.makeServerStreamRequest(path, same, same, bytes, sent, options);
    stream.on('data', (part: Buffer) => void parts.push(part));
    stream.on('error', () => {});
    stream.on('status', ({ code, details, metadata: trailers }) => end(code, details, trailers));
    bidi?.write(bytes);
    bidi?.end();
    if (isWatch) setTimeout(() => stream.cancel(), watchMs);
  });
}

export const openGrpc = (address: string): Client => new Client(address, credentials.createInsecure());
