export * from './api.ts';
export { connectClient, durableOverBus, type ClientOptions } from './connect.ts';
export type { DurableWire } from './durable.ts';
export { payloadFailure } from './with-payload.ts';
export { codeOfFailure, failureCodeOf, taskErrorOf } from './failure.ts';
export { endOf, failureOf, requestOf } from './on-wire.ts';
export {
  type Bytes,
  draw,
  drawSome,
  embed,
  type FieldsRequest,
  type Ranked,
  rerank,
  runFields,
  speak,
  transcribe,
  type TypedRequest,
  type TypedResult,
} from './typed.ts';
