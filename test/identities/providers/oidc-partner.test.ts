/** Sign-in at oidc-provider, an OpenID provider that somebody else wrote. */
import t from 'tap';
import { oidcProviderOf, providerOf } from '../../helpers/fake-issuer.js';
import { CLAIMS, startOidcPartner } from '../../helpers/oidc-partner.js';
import { errorOf, failureOf } from '../../helpers/plex-provider.js';

const SECRET = { client_secret: 'TheSecretOfTheClient' };
const METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const;
const partner = await startOidcPartner(t, [
  ...METHODS.map((method) => ({
    ...{ client_id: method, token_endpoint_auth_method: method },
    ...(method === 'none' ? {} : SECRET),
  })),
  ...['ES256', 'EdDSA'].map((alg) => ({ client_id: alg, id_token_signed_response_alg: alg, ...SECRET })),
  { client_id: 'signed', userinfo_signed_response_alg: 'RS256', ...SECRET },
]);
const providerFor = (clientId: string, entry: object = {}) => oidcProviderOf(partner, { clientId, ...entry });

const PROFILE = {
  issuer: partner.url,
  subject: CLAIMS.sub,
  email: CLAIMS.email,
  username: CLAIMS.preferred_username,
  displayName: CLAIMS.name,
  avatarUrl: CLAIMS.picture,
};

for (const method of METHODS)
  t.test(`signs in with ${method}`, async (t) => {
    const secret = method === 'none' ? { clientSecret: undefined } : {};
    const provider = providerFor(method, { clientAuthentication: method, ...secret });
    const callback = await partner.visit(provider);
    t.equal(callback.url.searchParams.get('iss'), partner.url);
    t.same(await provider.finish(callback), PROFILE);
  });

for (const clientId of ['ES256', 'EdDSA'])
  t.test(`verifies ID tokens that are signed with ${clientId}`, async (t) => {
    const provider = providerFor(clientId);
    t.same(await provider.finish(await partner.visit(provider)), PROFILE);
  });

t.test('reads a signed userinfo answer', async (t) => {
  const provider = providerFor('signed');
  t.same(await provider.finish(await partner.visit(provider)), PROFILE);
});

t.test('accepts a callback once', async (t) => {
  const provider = providerFor('client_secret_basic');
  const callback = await partner.visit(provider);
  await provider.finish(callback);
  t.match(await errorOf(provider.finish(callback)), { failure: 'failed', message: /invalid_grant/ });
});

t.test('refuses the code of another flow, and of another client', async (t) => {
  const provider = providerFor('client_secret_basic');
  const [own, stolen] = [await partner.visit(provider), await partner.visit(provider)];
  t.match(await errorOf(provider.finish({ ...own, url: stolen.url })), { message: /invalid_grant/ }, 'PKCE');
  const other = providerFor('client_secret_post', { clientAuthentication: 'client_secret_post' });
  t.match(await errorOf(provider.finish(await partner.visit(other))), { message: /invalid_grant/ });
});

t.test('reports that the person refused', async (t) => {
  partner.decision = 'refuse';
  t.teardown(() => {
    partner.decision = 'sign in';
  });
  const provider = providerFor('client_secret_basic');
  t.equal(await failureOf(provider.finish(await partner.visit(provider))), 'denied');
});

t.test('reports that the provider refused the secret', async (t) => {
  const provider = providerFor('client_secret_basic', { clientSecret: 'AnotherSecret' });
  t.match(await errorOf(provider.finish(await partner.visit(provider))), { message: /invalid_client/ });
});

t.test('signs in without OpenID Connect, by the profile alone', async (t) => {
  const provider = providerOf({
    ...{
      kind: 'oauth2',
      name: 'Partner',
      issuer: partner.url,
      scopes: ['openid', 'profile', 'email'],
      trustEmail: true,
    },
    ...{ clientId: 'client_secret_basic', clientSecret: SECRET.client_secret },
    authorizationEndpoint: `${partner.url}/auth`,
    tokenEndpoint: `${partner.url}/token`,
    profileEndpoint: `${partner.url}/me`,
    profileFields: { subject: 'sub', username: 'preferred_username', email: 'email', emailVerified: 'email_verified' },
  });
  const profile = await provider.finish(await partner.visit(provider));
  t.match(profile, { issuer: partner.url, subject: CLAIMS.sub, username: 'ada', email: CLAIMS.email });
});
