export * from './api.ts';
export { connectClient, type ClientOptions } from './connect.ts';
export { defaultTimeoutMs } from './task-message.ts';
export { codeOfFailure, failureCodeOf } from './failure.ts';
