import { readFileSync } from 'node:fs';
import { isLoopbackHost, SettingsError } from '@will/runtime';

export type OidcRole = 'operator' | 'auditor' | 'owner';
const oidcRoles: readonly OidcRole[] = ['operator', 'auditor', 'owner'];

export interface OidcSettings {
  readonly issuer: URL;
  readonly clientId: string;
  /** Undefined: a public client, by PKCE alone. */
  readonly clientSecret: string | undefined;
  /** Where the provider sends the browser back. */
  readonly redirectUrl: URL;
  readonly groupsClaim: string;
  /** Beside `openid`. */
  readonly scopes: readonly string[];
  readonly rolesByGroup: ReadonlyMap<string, OidcRole>;
}

export interface OidcTexts {
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
  readonly secretFile: string | undefined;
  /** Address of the console as browsers know it. */
  readonly consoleUrl: string | undefined;
  readonly groupsClaim: string;
  readonly scopes: string;
  readonly roles: string | undefined;
}

/** Undefined: nobody signs in by a provider. @throws {SettingsError} */
export function oidcSettingsOf(texts: OidcTexts): OidcSettings | undefined {
  const { issuer, clientId, roles, consoleUrl, secretFile, groupsClaim, scopes } = texts;
  if (issuer === undefined) return undefined;
  if (clientId === undefined || roles === undefined || consoleUrl === undefined)
    throw new SettingsError(
      'WILL_ADMIN_OIDC_ISSUER needs WILL_ADMIN_OIDC_CLIENT_ID, WILL_ADMIN_OIDC_ROLES and WILL_ADMIN_URL',
    );
  return {
    issuer: secureUrl('WILL_ADMIN_OIDC_ISSUER', issuer),
    clientId,
    clientSecret: secretFile === undefined ? undefined : secretIn(secretFile),
    redirectUrl: new URL('/oidc/callback', secureUrl('WILL_ADMIN_URL', consoleUrl)),
    groupsClaim,
    scopes: scopes.split(' ').filter((scope) => scope !== ''),
    rolesByGroup: rolesIn(roles),
  };
}

function secureUrl(name: string, raw: string): URL {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  const isPlainHere = url?.protocol === 'http:' && isLoopbackHost(url.hostname);
  if (url?.protocol === 'https:' || (url && isPlainHere)) return url;
  throw new SettingsError(`${name} ${JSON.stringify(raw.slice(0, 80))} must be an https:// address`);
}

/** `group=role,group=role`. */
function rolesIn(raw: string): ReadonlyMap<string, OidcRole> {
  return new Map(
    raw.split(',').map((pair) => {
      const at = pair.lastIndexOf('=');
      const [group, word] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      const role = oidcRoles.find((one) => one === word);
      if (at < 1 || group === '' || !role)
        throw new SettingsError(
          `WILL_ADMIN_OIDC_ROLES ${JSON.stringify(pair.slice(0, 80))} must be group=role, with a role of ${oidcRoles.join(', ')}`,
        );
      return [group, role];
    }),
  );
}

function secretIn(path: string): string {
  try {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret !== '') return secret;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SettingsError(`WILL_ADMIN_OIDC_SECRET_FILE ${path} cannot be read (${code})`);
  }
  throw new SettingsError(`WILL_ADMIN_OIDC_SECRET_FILE ${path} is empty`);
}
