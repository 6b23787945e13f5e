export * from './logger.ts';
export * from './process.ts';
export * from './secret.ts';
export * from './service-process.ts';
export * from './settings.ts';
export { busAddressOf, busSettings } from './bus-settings.ts';
export { collectYoung } from './collect-young.ts';
export * from './repeat.ts';
export * from './within.ts';
