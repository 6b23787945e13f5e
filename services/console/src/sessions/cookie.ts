const sessionName = 'will_session';
const stateName = 'will_oidc';
const stateMaxAgeS = 600;

/** The session's token in a Cookie header; undefined: there is none. Of several the request is refused by having none. */
export const tokenIn = (header: readonly string[] | undefined): string | undefined => valueOf(sessionName, header);

/** The state of a sign-in by a provider that this browser began. */
export const stateIn = (header: readonly string[] | undefined): string | undefined => valueOf(stateName, header);

function valueOf(name: string, header: readonly string[] | undefined): string | undefined {
  const found = (header ?? [])
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return found.length === 1 ? found[0] : undefined;
}

/** `Secure` is left out on plain HTTP, where a browser would drop the cookie on any host but localhost. */
export const cookieOf = (token: string, lastsMs: number, isSecure: boolean): string =>
  [
    `${sessionName}=${token}`,
    'Path=/admin',
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${Math.floor(lastsMs / 1_000)}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');

/** Lax: the provider's page leads back here, and only the browser that began may come. '' ends it. */
export const stateCookieOf = (state: string, isSecure: boolean): string =>
  [
    `${stateName}=${state}`,
    'Path=/oidc',
    'HttpOnly',
    'SameSite=Lax',
    `Max-Age=${state === '' ? 0 : stateMaxAgeS}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
