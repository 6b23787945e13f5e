import { type DescMessage, type DescService, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';

import { create } from './binary.ts';
import { readMessage } from './read-message.ts';

/** One method as gRPC libraries want it; values are messages of its descriptor. */
export interface GrpcMethod {
  readonly path: string;
  readonly originalName: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: object) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => object;
  readonly responseSerialize: (value: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

/** A service's methods out of its descriptor: no proto file is read and nothing is generated for gRPC. */
export const grpcMethodsOf = (service: DescService): Readonly<Record<string, GrpcMethod>> =>
  Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: method.localName,
        requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
        responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
        requestSerialize: writer(method.input),
        requestDeserialize: (bytes: Buffer) => readMessage(method.input, bytes),
        responseSerialize: writer(method.output),
        responseDeserialize: reader(method.output),
      },
    ]),
  );

const reader =
  <S extends DescMessage>(schema: S) =>
  (bytes: Buffer): MessageShape<S> =>
    fromBinary(schema, bytes);

const writer =
  (schema: DescMessage) =>
  (value: object): Buffer => {
    const bytes = toBinary(schema, create(schema, value as Record<string, unknown>));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
