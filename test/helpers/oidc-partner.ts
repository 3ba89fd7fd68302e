/** oidc-provider on loopback: an OpenID provider that somebody else wrote. Its only person signs in without a page. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { exportJWK, generateKeyPair } from 'jose';
import type { IdentityProvider, ProviderCallback } from '../../src/identities/provider.js';
import type { TestScope } from './app.js';
import { CALLBACK } from './fake-issuer.js';

export const CLAIMS = {
  ...{ sub: 'ada-1', name: 'Ada L.', preferred_username: 'ada', picture: 'https://idp.test/ada.png' },
  ...{ email: 'ada@example.com', email_verified: true },
};

export interface OidcPartner {
  readonly url: string;
  /** What the person does. */
  decision: 'sign in' | 'refuse';
  /** Visits the provider, and returns the callback. */
  visit(provider: IdentityProvider): Promise<ProviderCallback>;
}

interface GrantContext {
  readonly oidc: {
    readonly provider: {
      readonly Grant: new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
    };
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
  };
}

/** @param clients in the form of RFC 7591; each has the redirect URI of the tests */
export async function startOidcPartner(t: TestScope, clients: readonly object[]): Promise<OidcPartner> {
  let listener: RequestListener = () => undefined;
  const server = createServer((request, response) => listener(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = await Promise.all(
    ['RS256', 'ES256', 'EdDSA'].map(async (alg) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });
      return { ...(await exportJWK(privateKey)), alg, kid: alg, use: 'sig' };
    }),
  );
  const oidc = new Provider(url, {
    clients: clients.map((client) => ({ redirect_uris: [CALLBACK], response_types: ['code'], ...client })),
    jwks: { keys },
    cookies: { keys: ['a key for the cookies of the test'] },
    claims: { profile: ['name', 'preferred_username', 'picture'], email: ['email', 'email_verified'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'], userinfoSigningAlgValues: ['RS256'] },
    features: { devInteractions: { enabled: false }, jwtUserinfo: { enabled: true } },
    findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => CLAIMS }),
    interactions: { url: () => '/sign-in' },
    async loadExistingGrant({ oidc: { provider, client, session } }: GrantContext) {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });

  const partner: OidcPartner = {
    url,
    decision: 'sign in',
    async visit(provider) {
      const state = 'the-state';
      const { url: first, parameters } = await provider.start(CALLBACK, state);
      const jar = new Map<string, string>();
      let next = new URL(first);
      while (next.origin === url) {
        const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
        const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
        for (const each of response.headers.getSetCookie()) {
          const [name = '', value = ''] = each.split(';')[0]!.split('=');
          jar.set(name, value);
        }
        const location = response.headers.get('location');
        if (location === null) throw new Error(`The provider answers ${response.status}: ${await response.text()}`);
        next = new URL(location, next);
      }
      return { url: next, redirectUri: CALLBACK, state, parameters };
    },
  };
  const callback = oidc.callback();
  listener = (request, response) => {
    if (request.url !== '/sign-in') return callback(request, response);
    const result = partner.decision === 'sign in' ? { login: { accountId: CLAIMS.sub } } : { error: 'access_denied' };
    return oidc.interactionFinished(request, response, result);
  };
  return partner;
}
