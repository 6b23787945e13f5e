const name = 'will_session';

/** The session's token in a Cookie header; undefined: there is none. Of several the request is refused by having none. */
export function tokenIn(header: readonly string[] | undefined): string | undefined {
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
    `${name}=${token}`,
    'Path=/admin',
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${Math.floor(lastsMs / 1_000)}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
