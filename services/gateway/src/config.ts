import { integer, parseSettings, text } from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export const parseConfig = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    natsUrl: ['NATS_URL', text('nats://127.0.0.1:4222')],
    /** On 127.0.0.1; 0: any free port. */
    port: ['WILL_HTTP_PORT', integer(8080, 0, 65_535)],
    /** On 127.0.0.1; 0: any free port. */
    grpcPort: ['WILL_GRPC_PORT', integer(50_051, 0, 65_535)],
    /** Tasks in flight at once through both doors; one more is answered 429. */
    maxTasks: ['WILL_HTTP_MAX_TASKS', integer(2_000, 1, 100_000)],
    /** How long requests in flight may take after SIGTERM. */
    drainMs: ['WILL_DRAIN_MS', integer(120_000, 0, 600_000)],
  });
