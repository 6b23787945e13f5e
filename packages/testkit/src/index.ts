export type * from './behaviour.ts';
export * from './mongo-server.ts';
export * from './nats-server.ts';
export * from './replaying-upstream.ts';
export * from './tiny-gguf.ts';
export * from './tiny-whisper.ts';
export * from './builders.ts';
export * from './container-engine.ts';
export { startNatsCluster, type NatsCluster } from './nats-cluster.ts';
