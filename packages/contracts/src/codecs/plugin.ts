import { readFileSync, writeFileSync } from 'node:fs';
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { callRecordsOf, type CallMessages } from './call-records.ts';
import { codecsOf } from './generate.ts';

// A plugin of buf: its request comes on stdin, its answer goes to stdout. Its option names the messages.

const request = fromBinary(CodeGeneratorRequestSchema, readFileSync(0));
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
const messageOf = (name: string): DescMessage => {
  const message = registry.getMessage(`will.v1.${name}`);
  if (!message) throw new Error(`there is no message will.v1.${name}`);
  return message;
};
const callMessages: CallMessages = {
  record: messageOf('CallRecord'),
  scope: messageOf('CallScope'),
  ending: messageOf('CallEnding'),
  row: messageOf('CallRow'),
  intent: messageOf('IntentRow'),
};
const answer = create(CodeGeneratorResponseSchema, {
  supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
  file: [
    { name: 'codecs.ts', content: codecsOf(request.parameter.split(',').map(messageOf)) },
    { name: 'call-records.ts', content: callRecordsOf(callMessages) },
  ],
});
writeFileSync(1, toBinary(CodeGeneratorResponseSchema, answer));
