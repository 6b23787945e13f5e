import {
  busSettings,
  integer,
  isLoopbackHost,
  oneOf,
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
      `WILL_ADMIN_HOST ${JSON.stringify(config.host)} is reached from other machines, and without keys everybody there may change everything: set WILL_KEYS=required, or keep the console on 127.0.0.1`,
    );
  return config;
}

const read = (env: Readonly<Record<string, string | undefined>>) =>
  parseSettings(env, {
    ...busSettings,
    ...webAccessSettings,
    /** 0: any free port. */
    port: ['WILL_ADMIN_PORT', integer(8090, 0, 65_535)],
    /** Address of the listener; other machines reach it only where keys are required. */
    host: ['WILL_ADMIN_HOST', text('127.0.0.1')],
    keys: ['WILL_KEYS', oneOf(['off', 'required'])],
    /** How long a session lasts after its key was shown. */
    sessionHours: ['WILL_ADMIN_SESSION_HOURS', integer(12, 1, 720)],
    /** How long requests in flight may take after SIGTERM. */
    drainMs: ['WILL_DRAIN_MS', integer(2_000, 0, 600_000)],
  });
