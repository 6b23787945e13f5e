export * from './api.ts';
export { connectClient, type ClientOptions } from './connect.ts';
export { defaultTimeoutMs } from './task-message.ts';
export { payloadFailure } from './with-payload.ts';
export { codeOfFailure, failureCodeOf } from './failure.ts';
export {
  type Bytes,
  draw,
  embed,
  type Ranked,
  rerank,
  speak,
  transcribe,
  type TypedRequest,
  type TypedResult,
} from './typed.ts';
