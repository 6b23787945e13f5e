import { type Metadata, status } from '@grpc/grpc-js';
import { attributesOfHeaders, mustBeSame } from '@will/contracts';
import type { AttributeProblem, Attributes } from '@will/core';
import { GrpcError } from './grpc-error.ts';

/** Will's attributes in the metadata of a call. @throws {GrpcError} INVALID_ARGUMENT */
export function attributesIn(metadata: Metadata): Attributes {
  const read = attributesOfHeaders(linesOf(metadata));
  if ('problem' in read) throw invalid(read.problem);
  return read.attributes;
}

/** Understands the attributes, or the call is rejected. @throws {GrpcError} INVALID_ARGUMENT. */
export function understood<T>(read: { readonly message: T } | { readonly problem: AttributeProblem }): T {
  if ('problem' in read) throw invalid(read.problem);
  return read.message;
}

/** The client that a message or its metadata name; '': neither does. @throws {GrpcError} INVALID_ARGUMENT */
export function clientIn(message: string, { client }: Attributes): string {
  const problem = mustBeSame('client', message, client);
  if (problem) throw invalid(problem);
  return message === '' ? (client ?? '') : message;
}

const invalid = ({ message }: AttributeProblem): GrpcError => new GrpcError(status.INVALID_ARGUMENT, message);

/** The library joins what is sent twice with a comma: each part counts as a line of its own. */
function* linesOf(metadata: Metadata): Generator<readonly [string, string]> {
  for (const [key, values] of Object.entries(metadata.toHttp2Headers()))
    for (const value of [values ?? []].flat()) for (const part of String(value).split(', ')) yield [key, part];
}
