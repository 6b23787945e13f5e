import {
  busSettings,
  integer,
  isLoopbackHost,
  oneOf,
  optionalText,
  parseSettings,
  SettingsError,
  text,
  webAccessSettings,
} from '@will/runtime';

/** The only reader of the environment in this service. @throws {SettingsError} */
export function parseConfig(env: Readonly<Record<string, string | undefined>>) {
  const config = read(env);
  if (config.keys === 'off' && !isLoopbackHost(config.host))
    throw new SettingsError(
      `WILL_LISTEN_HOST ${JSON.stringify(config.host)} is reached from other machines, and without keys everybody there may do everything: set WILL_KEYS=required, or keep the servers on 127.0.0.1`,
    );
  return config;
}

const read = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    ...webAccessSettings,
    /** Address that both servers listen on; other machines reach them only where keys are asked for. */
    host: ['WILL_LISTEN_HOST', text('127.0.0.1')],
    /** `required`: who shows no key is refused. `off`: everybody on this machine may do everything. */
    keys: ['WILL_KEYS', oneOf(['off', 'required'])],
    /** Files, PEM, both or neither: certificate and key of both servers. */
    tlsCert: ['WILL_TLS_CERT', optionalText],
    tlsKey: ['WILL_TLS_KEY', optionalText],
    /** 0: any free port. */
    port: ['WILL_HTTP_PORT', integer(8080, 0, 65_535)],
    /** 0: any free port. */
    grpcPort: ['WILL_GRPC_PORT', integer(50_051, 0, 65_535)],
    /** Tasks in flight at once through both servers; one more is answered 429. */
    maxTasks: ['WILL_HTTP_MAX_TASKS', integer(2_000, 1, 100_000)],
    /** How long new requests are still taken after SIGTERM, while `/readyz` says 503: the one that sends them must learn of it. */
    stopDelayMs: ['WILL_STOP_DELAY_MS', integer(0, 0, 60_000)],
    /** How long requests in flight may take after that. */
    drainMs: ['WILL_DRAIN_MS', integer(120_000, 0, 600_000)],
  });
