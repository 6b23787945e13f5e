export * from './decisions.ts';
export * from './documents/index.ts';
export * from './grpc.ts';
export * from './ids.ts';
export * from './keys.ts';
export * as wire from './messages.ts';
export * from './prices.ts';
export * from './subjects.ts';
export * from './translate.ts';
