import { readFileSync, writeFileSync } from 'node:fs';
import { create, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { codecsOf } from './generate.ts';

// A plugin of buf: its request comes on stdin, its answer goes to stdout. Its option names the messages.

const request = fromBinary(CodeGeneratorRequestSchema, readFileSync(0));
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
const roots = request.parameter.split(',').map((name) => {
  const message = registry.getMessage(`will.v1.${name}`);
  if (!message) throw new Error(`there is no message will.v1.${name}`);
  return message;
});
const answer = create(CodeGeneratorResponseSchema, {
  supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
  file: [{ name: 'codecs.ts', content: codecsOf(roots) }],
});
writeFileSync(1, toBinary(CodeGeneratorResponseSchema, answer));
