import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConsoleBackends } from '../backends.ts';
import { Api } from '../http/api.ts';
import { OidcPages } from '../http/oidc-pages.ts';
import { Pages } from '../http/pages.ts';
import { type AdminServer, openServer } from '../http/server.ts';
import { SessionGuard } from './guard.ts';
import { OidcSignIn } from './oidc.ts';
import { oidcSettingsOf } from './oidc-settings.ts';
import { ConsoleSessions } from './sessions.ts';

// Sign-in by a real OpenID provider, with a browser's cookies: the console's listener on one side, the provider on the other.

const groupsOf: Readonly<Record<string, readonly string[]>> = {
  olga: ['staff', 'will-owners'],
  opal: ['will-operators'],
  nora: ['staff'],
};

let provider: Server;
let issuer: string;
let admin: AdminServer;
let base: string;
const refused: string[] = [];

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));

beforeAll(async () => {
  const placeholder = createServer((_, response) => response.end());
  const providerPort = await listen(placeholder);
  issuer = `http://127.0.0.1:${providerPort}`;
  const guard = new SessionGuard({
    areKeysRequired: true,
    sessions: new ConsoleSessions(Date.now, 3_600_000),
    findKey: () => undefined,
    isKnownClient: () => true,
    nowMs: Date.now,
    onRefused: ({ why }) => refused.push(why),
  });
  // The provider must know where the console is, and the console who the provider is.
  const pages = new Pages(new Map());
  const web = { hosts: [], origins: [] };
  const isSecure = (): boolean => false;
  const api = new Api({
    guard,
    backends: {} as ConsoleBackends,
    sessionMs: 60_000,
    hasOidc: true,
    isSecure,
    onChange: () => {},
  });
  const known = Promise.withResolvers<OidcPages>();
  const late = { answer: async (...of: Parameters<OidcPages['answer']>) => (await known.promise).answer(...of) };
  const onError = (): void => {};
  admin = await openServer({ port: 0, host: '127.0.0.1', web, api, pages, oidc: late as OidcPages, onError });
  base = `http://127.0.0.1:${admin.port}`;
  const settings = oidcSettingsOf({
    issuer,
    clientId: 'will',
    secretFile: undefined,
    consoleUrl: base,
    groupsClaim: 'groups',
    scopes: 'groups',
    roles: 'will-owners=owner, will-operators=operator',
  });
  if (!settings) throw new Error('no settings');
  const signIn = new OidcSignIn({ settings, nowMs: Date.now, onRefused: (who, why) => refused.push(`${who}: ${why}`) });
  known.resolve(new OidcPages({ guard, signIn, sessionMs: 60_000, isSecure }));
  await new Promise((resolve) => placeholder.close(resolve));
  const answer = new Provider(issuer, providerConfiguration(`${base}/oidc/callback`)).callback();
  provider = createServer((asked, response) => void answer(asked, response));
  await new Promise<void>((resolve) => provider.listen(providerPort, '127.0.0.1', resolve));
});
afterAll(async () => {
  await admin.stop(100);
  provider.closeAllConnections();
  await new Promise((resolve) => provider.close(resolve));
});

const providerConfiguration = (redirectUri: string): Configuration => ({
  clients: [
    {
      client_id: 'will',
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      application_type: 'native',
    },
  ],
  pkce: { required: () => true },
  scopes: ['openid', 'groups'],
  claims: { openid: ['sub'], groups: ['groups'] },
  cookies: { keys: ['test'] },
  findAccount: (_, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, groups: [...(groupsOf[accountId] ?? [])] }),
  }),
});

/** As a browser navigates from another site; fetch does not let its headers through. */
const navigate = (url: string, cookie: string, body: string | undefined): Promise<Response> =>
  new Promise((resolve, reject) => {
    const headers = {
      cookie,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': 'cross-site',
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const asked = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { statusCode = 0, headersDistinct } = incoming;
        const given = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        );
        resolve(new Response(Buffer.concat(chunks), { status: statusCode, headers: given }));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });

/** Follows one link as a browser does, with its cookies. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async go(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const { origin } = new URL(url);
    const cookie = [...this.#cookies].flatMap(([key, value]) => (key.startsWith(origin) ? [value] : [])).join('; ');
    const response = await navigate(url, cookie, form && new URLSearchParams(form).toString());
    for (const cookie of response.headers.getSetCookie()) {
      const pair = cookie.split(';', 1)[0] ?? '';
      const key = `${origin} ${pair.split('=', 1)[0]}`;
      if (/Max-Age=0|Expires=Thu, 01 Jan 1970/i.test(cookie)) this.#cookies.delete(key);
      else this.#cookies.set(key, pair);
    }
    return response;
  }

  /** From the console to the provider, through its forms, up to the address that it leads back to. */
  async signIn(login: string): Promise<string> {
    let at = `${base}/oidc/begin`;
    for (let step = 0; step < 20; step += 1) {
      if (at.startsWith(`${base}/oidc/callback`)) return at;
      const response = await this.go(at);
      const location = response.headers.get('location');
      if (location) {
        at = new URL(location, at).href;
        continue;
      }
      const prompt = /name="prompt" value="(\w+)"/.exec(await response.text())?.[1] ?? '';
      const answered = await this.go(at, { prompt, ...(prompt === 'login' && { login, password: 'x' }) });
      at = new URL(answered.headers.get('location') ?? '', at).href;
    }
    throw new Error(`the sign-in went in circles at ${at}`);
  }

  /** What the console's page asks, from its own origin. */
  async session(): Promise<unknown> {
    const cookie = [...this.#cookies].flatMap(([key, value]) => (key.startsWith(base) ? [value] : [])).join('; ');
    return (await fetch(`${base}/admin/v1/session`, { headers: { cookie } })).json();
  }
}

test.each([
  ['olga', 'owner'],
  ['opal', 'operator'],
])('%s signs in, and the group says the role: %s', async (login, role) => {
  const browser = new Browser();
  expect(await browser.session()).toEqual({ role: null, are_keys_required: true, has_oidc: true });
  const back = await browser.go(await browser.signIn(login));
  expect([back.status, back.headers.get('location')]).toEqual([303, '/']);
  expect(back.headers.getSetCookie()[0]).toMatch(/^will_session=[\w-]{43}; Path=\/admin; HttpOnly; SameSite=Strict/);
  expect(await browser.session()).toMatchObject({ role, key_id: `oidc:${login}` });
});

test('somebody without a group that has a role is not let in, and the reason is noted', async () => {
  const browser = new Browser();
  const back = await browser.go(await browser.signIn('nora'));
  expect(back.status).toBe(403);
  expect(refused).toContain('oidc:nora: no group with a role');
  expect(await browser.session()).toMatchObject({ role: null });
});

test('a way back that this browser did not begin, or took before, or that was changed, lets nobody in', async () => {
  const [browser, other] = [new Browser(), new Browser()];
  const way = await browser.signIn('olga');
  expect((await other.go(way)).status).toBe(401);
  await other.signIn('opal');
  // Somebody else's code in one's own browser.
  expect((await other.go(way)).status).toBe(401);
  expect((await browser.go(way)).status).toBe(303);
  expect((await browser.go(way)).status).toBe(401);
  const changed = new Browser();
  const code = await changed.signIn('olga');
  expect((await changed.go(code.replace(/code=[\w-]+/, 'code=another'))).status).toBe(401);
  expect((await changed.go(code)).status).toBe(401);
});

test('settings that do not fit name what is missing', () => {
  const texts = {
    issuer: 'https://id.example',
    clientId: 'will',
    secretFile: undefined,
    consoleUrl: 'https://will.example',
    groupsClaim: 'groups',
    scopes: '',
    roles: 'a=owner',
  };
  expect(oidcSettingsOf({ ...texts, issuer: undefined })).toBeUndefined();
  expect(oidcSettingsOf(texts)?.redirectUrl.href).toBe('https://will.example/oidc/callback');
  expect(() => oidcSettingsOf({ ...texts, roles: undefined })).toThrow(/WILL_ADMIN_OIDC_ROLES/);
  expect(() => oidcSettingsOf({ ...texts, roles: 'a=caller' })).toThrow(/"a=caller" must be group=role/);
  expect(() => oidcSettingsOf({ ...texts, issuer: 'http://id.example' })).toThrow(/must be an https:/);
});
