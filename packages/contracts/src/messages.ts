/** The generated messages, under one roof; nobody else reaches into gen. */
export * from './gen/will/v1/call_pb.js';
export * from './gen/will/v1/event_pb.js';
export * from './gen/will/v1/key_pb.js';
export * from './gen/will/v1/policy_pb.js';
export * from './gen/will/v1/registry_pb.js';
export * from './gen/will/v1/task_pb.js';
export * from './gen/will/v1/telemetry_pb.js';
export * from './gen/will/v1/cooldown_pb.js';
export * from './gen/will/v1/api_pb.js';
export * from './gen/will/v1/durable_pb.js';
export { ErrorInfoSchema, RetryInfoSchema } from './gen/google/rpc/error_details_pb.js';
export { StatusSchema as RpcStatusSchema } from './gen/google/rpc/status_pb.js';
