/** The MCP SDK finds the endpoints, signs in with PKCE and refreshes. */
import t from 'tap';
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { startListeningApp } from '../../helpers/oauth-browser.js';
import { authorize, CALLBACK, synchronise } from '../../helpers/oauth-visit.js';
import { seedClient } from '../../helpers/oauth.js';
import { postForm } from '../../helpers/oauth-requests.js';

const app = await startListeningApp(t);

t.test('signs in as a public client, refreshes, and signs in again after a revocation', async (t) => {
  const user = await app.user();
  synchronise(app);
  const { client } = await seedClient(app, {
    type: 'PUBLIC',
    authMethod: 'NONE',
    requirePkce: true,
    redirectUris: [CALLBACK],
  });
  let [saved, verifier, url]: [OAuthTokens | undefined, string, URL | undefined] = [undefined, '', undefined];
  const provider: OAuthClientProvider = {
    redirectUrl: CALLBACK,
    clientMetadata: { redirect_uris: [CALLBACK], scope: 'read:content read:profile' },
    clientInformation: () => ({ client_id: client.id }),
    tokens: () => saved,
    saveTokens: (tokens) => void (saved = tokens),
    redirectToAuthorization: (target) => void (url = target),
    saveCodeVerifier: (value) => void (verifier = value),
    codeVerifier: () => verifier,
    invalidateCredentials: () => void (saved = undefined),
  };
  const tokens = (): OAuthTokens => {
    if (!saved) throw new Error('No tokens were saved.');
    return saved;
  };

  t.equal(await auth(provider, { serverUrl: app.url }), 'REDIRECT');
  const returned = await authorize(app, url!, user);
  const authorizationCode = returned.searchParams.get('code')!;
  t.equal(await auth(provider, { serverUrl: app.url, authorizationCode }), 'AUTHORIZED');
  const first = tokens();
  t.equal(first.scope, 'read:content read:profile');

  t.equal(await auth(provider, { serverUrl: app.url }), 'AUTHORIZED', 'refreshes');
  t.not(tokens().refresh_token, first.refresh_token);
  const token = tokens().access_token;
  t.match(await app.client().send('query { me { id } }', {}, { token }), { data: { me: { id: user.id } } });

  await postForm(app, '/oauth/revoke', { token, client_id: client.id });
  t.equal(await auth(provider, { serverUrl: app.url }), 'REDIRECT', 'the grant has ended');
});
