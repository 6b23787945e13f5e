import { isLoopbackHost } from '@will/runtime';
import * as openid from 'openid-client';
import { AdminError } from '../api/errors.ts';
import type { Viewer } from '../viewer.ts';
import type { OidcSettings } from './oidc-settings.ts';

/** How long somebody may take to sign in at the provider. */
const signInMs = 600_000;
const maxPending = 1_000;
const oidcScope = 'openid';

interface Pending {
  readonly verifier: string;
  readonly nonce: string;
  readonly untilMs: number;
}

export interface OidcOptions {
  readonly settings: OidcSettings;
  readonly nowMs: () => number;
  /** Told why somebody was not let in. Never a code or token. */
  readonly onRefused: (who: string, why: string) => void;
}

/** Sign-in by an OpenID provider: code flow with PKCE, state and nonce. Its groups say which role somebody has. */
export class OidcSignIn {
  readonly #options: OidcOptions;
  readonly #pending = new Map<string, Pending>();
  #provider: Promise<openid.Configuration> | undefined;

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  /** Where the browser goes, and the state that it must bring back. @throws {AdminError} the provider does not answer */
  async begin(): Promise<{ readonly url: URL; readonly state: string }> {
    const provider = await this.#found();
    const [state, nonce, verifier] = [openid.randomState(), openid.randomNonce(), openid.randomPKCECodeVerifier()];
    const { redirectUrl, scopes } = this.#options.settings;
    if (this.#pending.size >= maxPending) this.#pending.delete(this.#pending.keys().next().value ?? '');
    this.#pending.set(state, { verifier, nonce, untilMs: this.#options.nowMs() + signInMs });
    const url = openid.buildAuthorizationUrl(provider, {
      redirect_uri: redirectUrl.href,
      scope: [...new Set([oidcScope, ...scopes])].join(' '),
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    return { url, state };
  }

  /**
   * Who came back from the provider. `query`: what it said; `state`: what the browser kept. Each state is taken once.
   * @throws {AdminError}
   */
  async finish(query: string, state: string | undefined): Promise<Viewer> {
    const pending = state === undefined ? undefined : this.#pending.get(state);
    if (state === undefined || !pending || pending.untilMs <= this.#options.nowMs())
      throw new AdminError('unauthenticated', 'this sign-in was not begun here, or took too long; begin again');
    this.#pending.delete(state);
    const provider = await this.#found();
    const url = new URL(this.#options.settings.redirectUrl);
    url.search = query;
    const checks = { pkceCodeVerifier: pending.verifier, expectedState: state, expectedNonce: pending.nonce };
    const tokens = await openid.authorizationCodeGrant(provider, url, checks).catch((cause: unknown) => {
      this.#options.onRefused('nobody', codeOf(cause));
      throw new AdminError('unauthenticated', 'the provider did not confirm the sign-in', { cause });
    });
    const claims = tokens.claims();
    if (!claims) throw new AdminError('unauthenticated', 'the provider sent no ID token');
    const { groupsClaim } = this.#options.settings;
    const groups =
      claims[groupsClaim] ?? (await openid.fetchUserInfo(provider, tokens.access_token, claims.sub))[groupsClaim];
    return this.#viewerOf(claims.sub, groupsIn(groups));
  }

  #viewerOf(subject: string, groups: readonly string[]): Viewer {
    const keyId = `oidc:${subject.slice(0, 100)}`;
    const { rolesByGroup } = this.#options.settings;
    const theirs = new Set(groups.map((group) => rolesByGroup.get(group)));
    const role = (['owner', 'auditor', 'operator'] as const).find((one) => theirs.has(one));
    if (role) return { role, client: '', projects: [], taskTypes: [], dataClass: undefined, keyId };
    this.#options.onRefused(keyId, 'no group with a role');
    throw new AdminError(
      'forbidden',
      'none of your groups has a role here; WILL_ADMIN_OIDC_ROLES names those that have',
    );
  }

  /** Asked for at the first sign-in, and again where that failed. */
  #found(): Promise<openid.Configuration> {
    this.#provider ??= this.#discover().catch((cause: unknown) => {
      this.#provider = undefined;
      throw new AdminError('unavailable', `the OpenID provider does not answer (${codeOf(cause)})`, { cause });
    });
    return this.#provider;
  }

  #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options.settings;
    const auth = clientSecret === undefined ? openid.None() : openid.ClientSecretBasic(clientSecret);
    const execute = isLoopbackHost(issuer.hostname) ? [openid.allowInsecureRequests] : [];
    return openid.discovery(issuer, clientId, undefined, auth, { execute, timeout: 10 });
  }
}

const groupsIn = (claim: unknown): readonly string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter((group) => typeof group === 'string');

/** The library's own word; its message may repeat what the provider said. */
const codeOf = (error: unknown): string => {
  const { code, name = 'Error' } = error as { readonly code?: unknown; readonly name?: string };
  return typeof code === 'string' ? code : name;
};
