import type { EventEmitter } from 'node:events';
import {
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type {
  sendUnaryData,
  Server,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import { Metadata, status } from '@grpc/grpc-js';
import { grpcMethodsOf } from '@will/contracts';
import type { Attributes } from '@will/core';
import { openSpan } from '@will/observe';
import { accessTo, grpcAccess } from '../../auth/keys/access.ts';
import { type Guard, keyHeaders } from '../../auth/keys/guard.ts';
import { attributesIn } from './call-attributes.ts';
import { GrpcError, statusOf } from './grpc-error.ts';
import { PacedReader } from './paced-reader.ts';

/** The facts that a method knows of its call beside the request. */
export interface GrpcCall {
  /** Aborts when the caller cancels, its deadline passes, or its connection is lost. */
  readonly signal: AbortSignal;
  /** UTC milliseconds; Infinity: the caller set none. */
  readonly deadlineUnixMs: number;
  /** Metadata that was sent with it, as far as traces need them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Will's attributes in its metadata, which mean what HTTP headers do. @throws {GrpcError} INVALID_ARGUMENT */
  attributes(): Attributes;
  /** What was shown to be let in, for the guard alone. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** Sends metadata before the answer; once, and only before the first message. */
  tell(entries: Iterable<readonly [name: string, value: string]>): void;
}

/** A service as plain functions. A stream's method sends its messages in order; a throw is the call's status. */
export type Methods<S extends DescService> = {
  readonly [K in keyof S['method']]: S['method'][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: GrpcCall) => Promise<MessageInitShape<O>>
    : S['method'][K] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, call: GrpcCall, send: (message: MessageInitShape<O>) => void) => Promise<void>
      : never;
};

type AnyMethod = (request: object, call: GrpcCall, send: (message: object) => void) => Promise<object | undefined>;

/** Adds a service to a server. `onError` is told of failures that are the gateway's own. */
export function serveMethods<S extends DescService>(
  server: Server,
  service: S,
  methods: Methods<S>,
  guard: Guard,
  onError: (what: string, error: unknown) => void,
): void {
  const definitions = grpcMethodsOf(service);
  const handlers = Object.fromEntries(
    service.methods.map((method) => {
      const plain = (methods as unknown as Record<string, AnyMethod>)[method.localName] as AnyMethod;
      const name = `${service.typeName}/${method.name}`;
      const run = traced(name, guarded(name, guard, onlyRead(understanding(plain))));
      const end = (error: unknown) => {
        const ended = statusOf(error);
        if (ended.code === status.INTERNAL) onError(`${service.typeName}/${method.name}`, error);
        return ended;
      };
      const serialize = definitions[method.localName]?.responseSerialize as (message: object) => Buffer;
      return [method.localName, method.methodKind === 'unary' ? unary(run, end) : streamed(run, end, serialize)];
    }),
  );
  server.addService(forgiving(service), handlers);
}

/** Stands where a message was that cannot be read. */
class Unreadable {
  readonly error: GrpcError;
  constructor(service: DescService, method: string, { message }: Error) {
    const what = `the message of ${service.typeName}/${method} cannot be read: ${message.slice(0, 200)}`;
    this.error = new GrpcError(status.INVALID_ARGUMENT, what);
  }
}

/**
 * The service's methods, whose reading throws nothing: the library would answer a throw there with INTERNAL, as if the
 * failure were ours, and without the reason.
 */
const forgiving = (service: DescService): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(grpcMethodsOf(service)).map(([name, method]) => {
      const requestDeserialize = (bytes: Buffer): object => {
        try {
          return method.requestDeserialize(bytes);
        } catch (error) {
          return new Unreadable(service, name, error as Error);
        }
      };
      // A stream's messages come as bytes already, since what waits for its reader is counted.
      const responseSerialize = (message: object): Buffer =>
        Buffer.isBuffer(message) ? message : method.responseSerialize(message);
      return [name, { ...method, requestDeserialize, responseSerialize }];
    }),
  ) as ServiceDefinition;

/** A method that never sees a message which could not be read. */
const onlyRead =
  (method: AnyMethod): AnyMethod =>
  async (request, call, send) => {
    if (request instanceof Unreadable) throw request.error;
    return method(request, call, send);
  };

/** A method that is not done where its metadata hold an attribute that was not understood. */
const understanding =
  (method: AnyMethod): AnyMethod =>
  async (request, call, send) => {
    call.attributes();
    return method(request, call, send);
  };

/** A method that is done in the name of who called it. */
const guarded =
  (name: string, guard: Guard, method: AnyMethod): AnyMethod =>
  async (request, call, send) =>
    guard.enter(name, accessTo(grpcAccess, name), call.keys, () => method(request, call, send));

/** A method whose calls are spans, below the one that the caller's metadata name. */
const traced =
  (name: string, method: AnyMethod): AnyMethod =>
  (request, call, send) => {
    const span = openSpan(name, 'server', { 'rpc.system.name': 'grpc', 'rpc.method': name }, call.headers);
    const answered = span.run(() => method(request, call, send));
    answered.then(
      () => span.end(),
      (error: unknown) => span.end(status[statusOf(error).code ?? status.UNKNOWN]),
    );
    return answered;
  };

type End = (error: unknown) => ReturnType<typeof statusOf>;

const unary = (run: AnyMethod, end: End): UntypedHandleCall =>
  ((call: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) => {
    run(call.request, callOf(call), () => {}).then(
      (response) => answer(null, response as object),
      (error: unknown) => answer(end(error)),
    );
  }) as unknown as UntypedHandleCall;

const streamed = (run: AnyMethod, end: End, serialize: (message: object) => Buffer): UntypedHandleCall =>
  ((call: ServerWritableStream<object, object>) => {
    const { signal, ...rest } = callOf(call);
    const reader = new PacedReader(call, serialize);
    const send = (message: object): void => {
      if (!signal.aborted) reader.send(message);
    };
    run(call.request, { ...rest, signal: AbortSignal.any([signal, reader.givenUp]) }, send).then(
      () => call.end(),
      (error: unknown) => {
        reader.close();
        call.emit('error', end(reader.why ?? error));
      },
    );
  }) as unknown as UntypedHandleCall;

function callOf(
  call: Pick<ServerUnaryCall<object, object>, 'cancelled' | 'getDeadline' | 'metadata' | 'sendMetadata'> & EventEmitter,
): GrpcCall {
  const cancelled = new AbortController();
  call.on('cancelled', () => cancelled.abort());
  if (call.cancelled) cancelled.abort();
  const deadline = call.getDeadline();
  return {
    signal: cancelled.signal,
    deadlineUnixMs: deadline instanceof Date ? deadline.getTime() : deadline,
    headers: traceHeadersIn(call.metadata),
    attributes: () => attributesIn(call.metadata),
    keys: keysIn(call.metadata),
    tell(entries) {
      const metadata = new Metadata();
      for (const [name, value] of entries) metadata.set(name, value);
      if (!cancelled.signal.aborted) call.sendMetadata(metadata);
    },
  };
}

/** Aborts with the call, which cancels what is done for it. */
export function whenLeft({ signal }: GrpcCall): AbortController {
  const left = new AbortController();
  if (signal.aborted) left.abort();
  signal.addEventListener('abort', () => left.abort(), { once: true });
  return left;
}

/** Values of the metadata that may be a key. */
export const keysIn = (metadata: Metadata): Readonly<Record<string, unknown>> =>
  Object.fromEntries(keyHeaders.map((name) => [name, metadata.get(name)]));

function traceHeadersIn(metadata: Metadata): Readonly<Record<string, string>> {
  const [parent] = metadata.get('traceparent');
  const [state] = metadata.get('tracestate');
  return {
    ...(parent !== undefined && { traceparent: String(parent) }),
    ...(state !== undefined && { tracestate: String(state) }),
  };
}
