import { type SettingParser, SettingsError } from './settings.ts';

/** Rules of an HTTP server for browsers, beside the address that it listens on. */
export interface WebAccess {
  /** Host names that the server answers to, lower case, without a port, beside `localhost` and loopback addresses. */
  readonly hosts: readonly string[];
  /** Origins of pages that may call it, as browsers send them: `https://app.example`. */
  readonly origins: readonly string[];
}

/** No other name, and no page. */
export const noWebAccess: WebAccess = { hosts: [], origins: [] };

/** A request that is refused before anything of it is used. */
export interface WebRefusal {
  readonly status: 400 | 403;
  readonly code: 'host_not_allowed' | 'origin_not_allowed';
  readonly message: string;
}

/** As far as a request of `node:http` is looked at. */
interface WebRequest {
  readonly url?: string | undefined;
  readonly headersDistinct: Readonly<Record<string, readonly string[] | undefined>>;
}

/** True where pages of this origin may call. Compares exactly; `null`, the origin of sandboxed pages, never may. */
export const isAllowedOrigin = (origin: string, { origins }: Pick<WebAccess, 'origins'>): boolean =>
  origins.includes(origin);

/**
 * The reason why a request may not be served: it was sent by a page that may not call, or names a host that is not
 * this server's (a name that an attacker's DNS points at this machine). Programs that are no browsers send no `Origin`
 * and no `Sec-Fetch-Site`. `listensOn`: the server's own address. A server that is reached from other machines also
 * answers to any IP address, since DNS cannot redirect one.
 */
export function webRefusal(request: WebRequest, listensOn: string, access: WebAccess): WebRefusal | undefined {
  const { headersDistinct: sent } = request;
  if ((sent['host']?.length ?? 0) > 1)
    return { status: 400, code: 'host_not_allowed', message: 'the request has more than one Host header: send one' };
  const hosts = [...(sent['host'] ?? []), ...hostOfTarget(request.url ?? '')];
  const foreign = hosts.find((host) => !isOwnHost(host, listensOn, access));
  if (foreign !== undefined) return hostRefusal(foreign, access);
  const foreignPage = sent['origin']?.find((origin) => !isAllowedOrigin(origin, access));
  if (foreignPage !== undefined) return pageRefusal(`origin ${quote(foreignPage)}`);
  const site = sent['sec-fetch-site']?.find((word) => word !== 'none' && word !== 'same-origin');
  if (site !== undefined && sent['origin'] === undefined) return pageRefusal(`a page (sec-fetch-site ${quote(site)})`);
  return undefined;
}

/** A request as a server has it. */
interface ServedRequest extends WebRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders: readonly string[];
}

const maxKnownHosts = 100;

/** The same for all requests of one server: a host that was found to be its own is not looked at again. */
export function webRefusals(listensOn: string, access: WebAccess): (request: ServedRequest) => WebRefusal | undefined {
  const own = new Set<unknown>();
  return (request) => {
    const { headers, url = '' } = request;
    const { host, origin, 'sec-fetch-site': site } = headers;
    const isPlain = origin === undefined && site === undefined && url.startsWith('/') && hasOneHost(request);
    if (isPlain && own.has(host)) return undefined;
    const refusal = webRefusal(request, listensOn, access);
    if (isPlain && !refusal && own.size < maxKnownHosts) own.add(host);
    return refusal;
  };
}

/** Node keeps the first of several. */
function hasOneHost({ rawHeaders }: ServedRequest): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts === 1;
}

/** The path and query of a request's target; a target that names its host (absolute form) loses it. */
export const pathOfTarget = (url: string): string => {
  const found = absolute.exec(url);
  if (!found) return url;
  const rest = url.slice(found[0].length);
  return rest.startsWith('/') ? rest : `/${rest}`;
};

const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

const hostOfTarget = (url: string): readonly string[] => absolute.exec(url)?.slice(1, 2) ?? [];

function isOwnHost(host: string, listensOn: string, { hosts }: WebAccess): boolean {
  const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?$/i.exec(host.toLowerCase()) ?? [];
  const bare = name.replace(/^\[|\]$/g, '');
  if (isLoopbackHost(bare) || hosts.includes(bare)) return true;
  return !isLoopbackHost(listensOn) && (bare === listensOn.toLowerCase() || isAddress(name));
}

/** No name that DNS resolves is written so. */
const isAddress = (name: string): boolean => name.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);

/** `localhost`, `::1` and 127.0.0.0/8: what only this machine reaches. */
export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

const hostRefusal = (host: string, { hosts }: WebAccess): WebRefusal => ({
  status: 403,
  code: 'host_not_allowed',
  message: `host ${quote(host)} must be ${['localhost', '127.0.0.1', '[::1]', ...hosts].join(', ')}: add this server's other names to WILL_HTTP_HOSTS`,
});

const pageRefusal = (what: string): WebRefusal => ({
  status: 403,
  code: 'origin_not_allowed',
  message: `${what} may not call this server: web pages may only when WILL_CORS_ORIGINS names their origin`,
});

const quote = (text: string): string => JSON.stringify(text.slice(0, 80));

const entriesOf = (raw: string | undefined): readonly string[] =>
  (raw ?? '')
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '');

const hostNames: SettingParser<readonly string[]> = (raw, name) =>
  entriesOf(raw).map((host) => {
    if (/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(host)) return host;
    throw new SettingsError(
      `${name} ${quote(host)} must be a host name without scheme, port or wildcard, such as will.example`,
    );
  });

const origins: SettingParser<readonly string[]> = (raw, name) =>
  entriesOf(raw).map((entry) => {
    const origin = entry.replace(/\/$/, '');
    if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#*@\s]+$/.test(origin))
      return /^https?:/.test(origin) && URL.canParse(origin) ? new URL(origin).origin : origin;
    throw new SettingsError(
      `${name} ${quote(entry)} must be an origin without path or wildcard, such as https://app.example`,
    );
  });

/** Settings of every HTTP server of ours; absent: no other name and no page. */
export const webAccessSettings = {
  hosts: ['WILL_HTTP_HOSTS', hostNames],
  origins: ['WILL_CORS_ORIGINS', origins],
} as const;
