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
import { oidcSettingsOf } from './sessions/oidc-settings.ts';

/** The only reader of the environment in this service. @throws {SettingsError} */
export function parseConfig(env: Readonly<Record<string, string | undefined>>) {
  const config = read(env);
  if (config.keys === 'off' && !isLoopbackHost(config.host))
    throw new SettingsError(
      `WILL_ADMIN_HOST ${JSON.stringify(config.host)} is reached from other machines, and without keys everybody there may change everything: set WILL_KEYS=required, or keep the console on 127.0.0.1`,
    );
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcSecretFile: secretFile, consoleUrl } = config;
  const { oidcGroupsClaim: groupsClaim, oidcScopes: scopes, oidcRoles: roles } = config;
  const oidc = oidcSettingsOf({ issuer, clientId, secretFile, consoleUrl, groupsClaim, scopes, roles });
  if (oidc && config.keys === 'off')
    throw new SettingsError(
      'WILL_ADMIN_OIDC_ISSUER lets in by role what WILL_KEYS=off lets in anyway: set WILL_KEYS=required',
    );
  return { ...config, oidc };
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
    /** Issuer of an OpenID provider; absent: sign-in by key alone. */
    oidcIssuer: ['WILL_ADMIN_OIDC_ISSUER', optionalText],
    oidcClientId: ['WILL_ADMIN_OIDC_CLIENT_ID', optionalText],
    /** Holds the client's secret; absent: a public client. */
    oidcSecretFile: ['WILL_ADMIN_OIDC_SECRET_FILE', optionalText],
    oidcGroupsClaim: ['WILL_ADMIN_OIDC_GROUPS_CLAIM', text('groups')],
    /** Beside `openid`, separated by spaces. */
    oidcScopes: ['WILL_ADMIN_OIDC_SCOPES', text('')],
    /** `group=role`, separated by commas. */
    oidcRoles: ['WILL_ADMIN_OIDC_ROLES', optionalText],
    /** Address of the console as browsers know it; the provider sends them back there. */
    consoleUrl: ['WILL_ADMIN_URL', optionalText],
    /** How long requests in flight may take after SIGTERM. */
    drainMs: ['WILL_DRAIN_MS', integer(2_000, 0, 600_000)],
  });
